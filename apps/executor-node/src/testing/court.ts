import { admit, callOf, limitsOf, METER, run } from '@zerostate/runtime';
import {
  type ChannelAnswer,
  cosign,
  createSigner,
  createVerifier,
  digestSha256,
  type Envelope,
  encodeBase64url,
  err,
  idOf,
  ok,
  type PaychCond,
  priceOf,
  type Signer,
  sealEnvelope,
  type TaskAnswer,
  type TaskManifest,
  type TaskObjection,
  type TaskReceipt,
} from '@zerostate/shared';
import type { EvidenceContext } from '../arbiter/evidence.ts';
import type { JudgeContext } from '../arbiter/judge.ts';
import type { ClaimPhase, FiledClaim } from '../arbiter/ports.ts';
import type { Database } from '../state/database.ts';
import { TestTime } from './time.ts';
import { HELLO } from './world.ts';

const START = 1_800_000_000_000;
const NETWORK = 'zs-aaaaaaaaaaaaaaaa';
const NONCE = encodeBase64url(new Uint8Array(16));

const seat = (fill: number): Promise<Signer> => createSigner(new Uint8Array(32).fill(fill));

/** What a test changes of a case before it is filed. */
export type Changes = {
  receipt?: (honest: TaskReceipt) => Partial<TaskReceipt>;
  manifest?: Partial<TaskManifest>;
  reason?: TaskObjection['reason'];
  module?: Uint8Array;
  input?: Uint8Array;
  /** Who pays or works instead of the strangers that usually do. */
  payer?: Signer;
  payee?: Signer;
};

/** One disputed claim as an edge shows it; a test takes away or replaces what it wants. */
export class Court {
  readonly time = new TestTime(START);
  readonly blobs = new Map<string, Uint8Array>();
  readonly arbiter: Signer;
  filed: FiledClaim;
  task: TaskAnswer;
  channel: ChannelAnswer;
  phase: ClaimPhase = 'disputed';
  /** The honest outcome of the task. */
  readonly honest: TaskReceipt;

  private constructor(
    arbiter: Signer,
    shown: { filed: FiledClaim; task: TaskAnswer; channel: ChannelAnswer; honest: TaskReceipt },
  ) {
    this.arbiter = arbiter;
    this.filed = shown.filed;
    this.task = shown.task;
    this.channel = shown.channel;
    this.honest = shown.honest;
  }

  static async make(changes: Changes = {}): Promise<Court> {
    const arbiter = await seat(3);
    const payer = changes.payer ?? (await seat(1));
    const payee = changes.payee ?? (await seat(2));
    const module = changes.module ?? HELLO;
    const input = changes.input ?? new Uint8Array(0);
    const channel = await channelOf(payer, payee);
    const manifest = await manifestOf(payer, payee, module, input, changes.manifest);
    const task = idOf(NETWORK, 'task.manifest', manifest);
    const honest = await honestReceipt(channel.ch, payee.did, manifest, task, module, input);
    const receipt = { ...honest, ...changes.receipt?.(honest) };
    const cond: PaychCond = {
      ch: channel.ch,
      dir: channel.a === payer.did ? 'a' : 'b',
      lane: '1',
      base: '0',
      cap: manifest.price_max,
      task,
      executor: payee.did,
      not_after: String(START + 600_000),
    };
    const filed = await filedOf(cond, receipt, { payer, payee });
    const objection: TaskObjection = {
      receipt: filed.receipt,
      reason: changes.reason ?? 'output-differs',
    };
    const answer: TaskAnswer = {
      task,
      state: 'done',
      manifest: await sealed('task.manifest', manifest, payer),
      cond: await sealed('paych.cond', cond, payer),
      accept: null,
      receipt: filed.receipt_envelope,
      objection: await sealed('task.objection', objection, payer),
      reject: null,
      output: null,
      submitted_at: START,
      accepted_at: START,
      done_at: START,
    };
    const court = new Court(arbiter, { filed, task: answer, channel, honest });
    court.blobs.set(manifest.module, module);
    court.blobs.set(manifest.input, input);
    return court;
  }

  get claim(): string {
    return this.filed.id;
  }

  /** A judge's surroundings; `log` takes what it says. */
  context(database: Database, lines: string[] = []): JudgeContext {
    const note = (event: string): void => void lines.push(event);
    const edge: EvidenceContext['edge'] = {
      channel: async () => ok(this.channel),
      task: async () => ok(this.task),
      getBlob: async (hash) => {
        const bytes = this.blobs.get(hash);
        return bytes === undefined ? err('blob-unknown') : ok(new Uint8Array(bytes));
      },
    };
    return {
      database,
      signer: this.arbiter,
      edge,
      verifier: createVerifier(),
      clock: this.time,
      log: { info: note, warn: note, error: note },
      pinned: { did: this.arbiter.did, edge: '', edgeDid: '', network: NETWORK, asset: 'test' },
      claims: {
        claim: async () => ok({ ch: this.channel.ch, state: this.phase }),
        disputed: async () => ok(this.phase === 'disputed' ? [this.filed] : []),
      },
      reruns: {
        mode: 'imports-only',
        capacity: 1,
        runner: async ({ wasm, call, limits, taskId }) => {
          const admitted = await admit(wasm);
          return admitted.ok ? run(admitted.module, call, limits, taskId) : admitted;
        },
        close: async () => {},
      },
      kick: () => {},
    };
  }
}

async function sealed(type: string, body: object, by: Signer) {
  return sealEnvelope(NETWORK, type, { ...body }, by);
}

async function channelOf(payer: Signer, payee: Signer): Promise<ChannelAnswer> {
  const [a, b] = payer.did < payee.did ? [payer, payee] : [payee, payer];
  const body = {
    a: a.did,
    b: b.did,
    fund_a: '1000000',
    fund_b: '1000000',
    nonce: NONCE,
    open_by: String(START + 1),
    expires_at: String(START + 100_000_000),
    window_ms: '600000',
    claim_ms: '600000',
    asset: 'test',
  };
  const open = await cosign(NETWORK, await sealEnvelope(NETWORK, 'paych.open', body, a), b);
  return {
    ch: idOf(NETWORK, 'paych.open', body),
    a: a.did,
    b: b.did,
    fund_a: body.fund_a,
    fund_b: body.fund_b,
    escrow_a: body.fund_a,
    escrow_b: body.fund_b,
    state: 'active',
    open_by: START + 1,
    expires_at: START + 100_000_000,
    window_ms: 600_000,
    claim_ms: 600_000,
    close_at: null,
    version: 1,
    lanes: [],
    claims: [],
    mailbox: [],
    open,
    close: null,
  };
}

async function manifestOf(
  payer: Signer,
  payee: Signer,
  module: Uint8Array,
  input: Uint8Array,
  changes: Partial<TaskManifest> = {},
): Promise<TaskManifest> {
  return {
    nonce: NONCE,
    creator: payer.did,
    executor: payee.did,
    agent: 'hello',
    module: await digestSha256(module),
    abi: 'call',
    fn: 'hello',
    args: [],
    input: await digestSha256(input),
    input_len: String(input.length),
    gas_max: '1000000',
    pages_max: '16',
    wall_ms_max: '1000',
    output_max: '4096',
    price_base: '1000',
    price_per_mgas: '1000000',
    price_per_page: '1',
    price_max: '50000',
    meter: METER,
    not_after: String(START + 60_000),
    ...changes,
  };
}

/** What an honest executor signs; of a module that does not run, whatever it likes. */
async function honestReceipt(
  ch: string,
  executor: string,
  manifest: TaskManifest,
  task: string,
  module: Uint8Array,
  input: Uint8Array,
): Promise<TaskReceipt> {
  const admitted = await admit(module);
  const ran = admitted.ok
    ? await run(admitted.module, callOf(manifest, input), limitsOf(manifest), task)
    : admitted;
  const { status, output, gas, pagesPeak } = ran.ok
    ? ran.outcome
    : { status: 'ok', output: new Uint8Array([1]), gas: 5n, pagesPeak: 0 };
  const terms = {
    base: BigInt(manifest.price_base),
    perMgas: BigInt(manifest.price_per_mgas),
    perPage: BigInt(manifest.price_per_page),
    max: BigInt(manifest.price_max),
  };
  return {
    task,
    executor,
    ch,
    lane: '1',
    status,
    output: await digestSha256(output),
    output_len: String(output.length),
    gas: String(gas),
    pages_peak: String(pagesPeak),
    price: String(priceOf(terms, { gas, pagesPeak: BigInt(pagesPeak) })),
    wall_ms: '1',
    started_at: String(START),
    ended_at: String(START + 1),
  };
}

async function filedOf(
  cond: PaychCond,
  receipt: TaskReceipt,
  { payer, payee }: { payer: Signer; payee: Signer },
): Promise<FiledClaim> {
  const signed: Envelope<PaychCond> = await sealEnvelope(NETWORK, 'paych.cond', cond, payer);
  return {
    id: idOf(NETWORK, 'paych.cond', cond),
    ch: cond.ch,
    dir: cond.dir,
    lane: 1,
    base: cond.base,
    cap: cond.cap,
    price: receipt.price,
    task: cond.task,
    receipt: idOf(NETWORK, 'task.receipt', receipt),
    not_after: Number(cond.not_after),
    at: START,
    post_at: START + 600_000,
    state: 'disputed',
    verdict: null,
    executor: payee.did,
    cond_sig: signed.sigs[0]?.sig ?? '',
    receipt_envelope: await sealed('task.receipt', receipt, payee),
  };
}
