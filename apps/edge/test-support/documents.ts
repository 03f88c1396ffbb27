/** Signed documents as honest parties make them; a test changes what it wants wrong. */
import {
  buildAgentCard,
  type CardRecord,
  COND_AFTER_MANIFEST_MS,
  cardHash,
  cosign,
  type Envelope,
  type ExecutorParams,
  encodeBase64url,
  idOf,
  type PaychCond,
  type PaychOpen,
  priceOf,
  type Signer,
  sealEnvelope,
  sha256Base64url,
  signCard,
  type TaskManifest,
  type TaskReceipt,
  utf8,
} from '@zerostate/shared';

/** 16 random bytes. */
export function freshNonce(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
}

export const hashOf = (text: string): string => sha256Base64url(utf8(text));
export const METER = `zsm1-${hashOf('meter')}`;
export const MODULE = hashOf('module');

const PARAMS: ExecutorParams = {
  meter: METER,
  price: { base: '1000', per_mgas: '10', per_page: '1' },
  limits: {
    gas_max: '1000000000',
    pages_max: '1024',
    wall_ms_max: '10000',
    input_max: '1048576',
    output_max: '1048576',
  },
  regions: ['eu'],
  mesh: [],
  programs: [
    {
      skill: 'thumbnail',
      module: MODULE,
      abi: 'wasi',
      input: ['image/png'],
      output: ['image/png'],
    },
  ],
};

export type CardChange = {
  name?: string;
  description?: string;
  tags?: string[];
  regions?: string[];
  /** Price of a task, micro-units. */
  base?: string;
};

export async function makeCard(
  signer: Signer,
  change: CardChange = {},
): Promise<Record<string, unknown>> {
  const card = buildAgentCard({
    name: change.name ?? 'Thumbnails',
    description: change.description ?? 'Makes small pictures out of large ones',
    version: '1.0.0',
    url: 'http://edge.test/v1/tasks',
    skills: [
      {
        id: 'thumbnail',
        name: 'Thumbnail a PNG',
        description: 'Scales a PNG picture down',
        tags: change.tags ?? ['image', 'png'],
        examples: ['make this picture smaller'],
      },
    ],
    params: {
      ...PARAMS,
      regions: change.regions ?? PARAMS.regions,
      price: { ...PARAMS.price, base: change.base ?? PARAMS.price.base },
    },
  });
  return signCard({ ...card }, signer);
}

export async function makeRecord(
  network: string,
  signer: Signer,
  card: Record<string, unknown>,
  change: Partial<CardRecord> & { now: number },
): Promise<Envelope<CardRecord>> {
  const { now, ...fields } = change;
  const body: CardRecord = {
    did: signer.did,
    agent: 'thumbnails',
    seq: '1',
    issued_at: String(now),
    expires_at: String(now + 3_600_000),
    card_sha256: cardHash(card),
    revoked: 'false',
    ...fields,
  };
  return sealEnvelope(network, 'card.record', body, signer);
}

/** A card and its record, ready to publish. */
export async function makePublication(
  network: string,
  signer: Signer,
  change: Partial<CardRecord> & { now: number } & CardChange,
): Promise<{ record: Envelope<CardRecord>; card: Record<string, unknown> }> {
  const { name, description, tags, regions, base, ...fields } = change;
  const card = await makeCard(signer, {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags }),
    ...(regions === undefined ? {} : { regions }),
    ...(base === undefined ? {} : { base }),
  });
  return { card, record: await makeRecord(network, signer, card, fields) };
}

/** A channel whose payer pays in direction `dir`, signed by both. */
export async function makeOpen(
  network: string,
  payer: Signer,
  payee: Signer,
  change: { now: number; fund?: string; asset?: string },
): Promise<{ ch: string; dir: 'a' | 'b'; open: Envelope<PaychOpen> }> {
  const isA = payer.did < payee.did;
  const fund = change.fund ?? '100000000';
  const body: PaychOpen = {
    a: isA ? payer.did : payee.did,
    b: isA ? payee.did : payer.did,
    fund_a: isA ? fund : '0',
    fund_b: isA ? '0' : fund,
    nonce: freshNonce(),
    open_by: String(change.now + 600_000),
    expires_at: String(change.now + 7 * 86_400_000),
    window_ms: '86400000',
    claim_ms: '3600000',
    asset: change.asset ?? 'test',
  };
  const half = await sealEnvelope(network, 'paych.open', body, payer);
  const open = await cosign(network, half, payee);
  return { ch: idOf(network, 'paych.open', body), dir: isA ? 'a' : 'b', open };
}

export type TaskPair = {
  id: string;
  manifest: Envelope<TaskManifest>;
  cond: Envelope<PaychCond>;
};

export async function makeTask(
  network: string,
  creator: Signer,
  executor: Signer,
  about: { now: number; ch: string; dir: 'a' | 'b'; lane?: string; input: Uint8Array },
  change: { manifest?: Partial<TaskManifest>; cond?: Partial<PaychCond> } = {},
): Promise<TaskPair> {
  const notAfter = about.now + 300_000;
  const body: TaskManifest = {
    nonce: freshNonce(),
    creator: creator.did,
    executor: executor.did,
    agent: 'thumbnails',
    module: MODULE,
    abi: 'wasi',
    fn: '',
    args: [],
    input: sha256Base64url(about.input),
    input_len: String(about.input.length),
    gas_max: '50000000',
    pages_max: '64',
    wall_ms_max: '5000',
    output_max: '65536',
    price_base: '1000',
    price_per_mgas: '10',
    price_per_page: '1',
    price_max: '10000',
    meter: METER,
    not_after: String(notAfter),
    ...change.manifest,
  };
  const id = idOf(network, 'task.manifest', body);
  const cond: PaychCond = {
    ch: about.ch,
    dir: about.dir,
    lane: about.lane ?? '1',
    base: '0',
    cap: body.price_max,
    task: id,
    executor: executor.did,
    not_after: String(Number(body.not_after) + COND_AFTER_MANIFEST_MS),
    ...change.cond,
  };
  return {
    id,
    manifest: await sealEnvelope(network, 'task.manifest', body, creator),
    cond: await sealEnvelope(network, 'paych.cond', cond, creator),
  };
}

/** `task.accept` of a task, due in `inMs`. */
export async function makeAccept(
  network: string,
  executor: Signer,
  task: TaskPair,
  deadline: number,
) {
  const { ch, lane } = task.cond.body;
  const body = { task: task.id, ch, lane, deadline: String(deadline) };
  return { accept: await sealEnvelope(network, 'task.accept', body, executor) };
}

export async function makeReceipt(
  network: string,
  executor: Signer,
  task: TaskPair,
  about: { now: number; output: Uint8Array },
  change: Partial<TaskReceipt> = {},
): Promise<Envelope<TaskReceipt>> {
  const { ch, lane } = task.cond.body;
  const terms = { base: 1000n, perMgas: 10n, perPage: 1n, max: 10000n };
  const body: TaskReceipt = {
    task: task.id,
    executor: executor.did,
    ch,
    lane,
    status: 'ok',
    output: sha256Base64url(about.output),
    output_len: String(about.output.length),
    gas: '1000000',
    pages_peak: '2',
    price: String(priceOf(terms, { gas: 1_000_000n, pagesPeak: 2n })),
    wall_ms: '3',
    started_at: String(about.now),
    ended_at: String(about.now + 3),
    ...change,
  };
  return sealEnvelope(network, 'task.receipt', body, executor);
}
