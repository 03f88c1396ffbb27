/**
 * An edge for tests over real HTTP, with executors behind it that can be told to lie. It keeps
 * everything that it was sent, as a dishonest edge would.
 */
import type { ServerResponse } from 'node:http';
import {
  type ChannelAnswer,
  createSigner,
  digestSha256,
  type Envelope,
  encodeBase64url,
  idOf,
  type NetworkAnswer,
  networkId,
  type PaychCond,
  type PaychOpen,
  type ReceiptAnswer,
  readAcceptSignature,
  signAnswer,
  type TaskAnswer,
  type TaskManifest,
  utf8,
} from '@zerostate/shared';
import { HELLO, type TestExecutor } from './executor.ts';
import { problem, type Seen, startServer, type TestServer } from './http-server.ts';
import { channelAnswerOf, START, signerOf } from './parties.ts';

export interface TestEdge extends TestServer {
  network: NetworkAnswer;
  executors: TestExecutor[];
  channels: Map<string, ChannelAnswer>;
  tasks: Map<string, TaskAnswer>;
  receipts: Map<string, ReceiptAnswer>;
  blobs: Map<string, Uint8Array>;
  vouchers: Envelope<{ cum: string; lane: string }>[];
  objections: Envelope<{ reason: string }>[];
  available: bigint;
  /** Answers matching requests with a failure instead: method, path part, problem or 'cut'. */
  faults: { method: string; part: string; fault: { status: number; code: string } | 'cut' }[];
}

export const GENESIS = {
  ledger: (await signerOf('ledger')).did,
  asset: 'play',
  kind: 'local' as const,
  created_at: String(START),
};
export const TEST_NETWORK = networkId(GENESIS);

export async function startEdge(executors: TestExecutor[]): Promise<TestEdge> {
  const network: NetworkAnswer = {
    network: TEST_NETWORK,
    genesis: GENESIS,
    edge_did: (await createSigner(new Uint8Array(32).fill(9))).did,
    origins: [],
    arbiters: [],
    faucet: true,
    now: START,
    version: 'test',
  };
  const server = await startServer((seen, response) => {
    route(edge, seen, response).catch((error: unknown) =>
      send(seen, response, 500, problem(500, 'internal-error', String(error))),
    );
  });
  const edge: TestEdge = {
    ...server,
    network,
    executors,
    channels: new Map(),
    tasks: new Map(),
    receipts: new Map(),
    blobs: new Map([[await digestSha256(HELLO), HELLO]]),
    vouchers: [],
    objections: [],
    available: 100_000_000n,
    faults: [],
  };
  return edge;
}

async function route(edge: TestEdge, seen: Seen, response: ServerResponse): Promise<void> {
  const { method, path } = seen;
  const fault = edge.faults.find((each) => each.method === method && path.includes(each.part));
  if (fault !== undefined) {
    if (fault.fault === 'cut') response.destroy();
    else await send(seen, response, fault.fault.status, faultOf(fault.fault));
    return;
  }
  const [, , noun = '', id = '', action = ''] = path.split(/[/?]/).map(decodeURIComponent);
  const result = await handle(edge, `${method} ${noun}`, { id, action, seen });
  if (result === null) await send(seen, response, 404, problem(404, `${noun}-unknown`));
  else await send(seen, response, 200, result);
}

function faultOf({ status, code }: { status: number; code: string }) {
  return problem(status, code);
}

/** Answers, with the ledger's signature for who asks for it. */
async function send(
  { method, path, headers }: Seen,
  response: ServerResponse,
  status: number,
  value: object | Uint8Array,
): Promise<void> {
  const body = value instanceof Uint8Array ? value : utf8(JSON.stringify(value));
  const asked = readAcceptSignature(String(headers['accept-signature'] ?? ''));
  const digest = headers['content-digest'];
  const request = { method, path, digest: digest === undefined ? undefined : String(digest) };
  const signer = await signerOf('ledger');
  const signature =
    asked === null
      ? {}
      : await signAnswer({ request: { ...request, ...asked }, status, body, now: START, signer });
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type, ...signature });
  response.end(body);
}

type Parts = { id: string; action: string; seen: Seen };

async function handle(
  edge: TestEdge,
  what: string,
  { id, action, seen }: Parts,
): Promise<object | Uint8Array | null> {
  switch (what) {
    case 'GET network':
      return edge.network;
    case 'GET accounts':
      return { did: id, available: String(edge.available), escrow: '0', withdrawing: '0' };
    case 'POST search':
      return { results: edge.executors.map(resultOf), rev: 1, embedder: 'test', total: 1 };
    case 'GET agents':
      return edge.executors.find(({ signer }) => signer.did === id)?.card ?? null;
    case 'GET blobs':
      return edge.blobs.get(id) ?? null;
    case 'PUT blobs':
      edge.blobs.set(id, new Uint8Array(seen.body));
      return { sha256: id, bytes: seen.body.length };
    case 'GET channels':
      return edge.channels.get(id) ?? null;
    case 'POST channels':
      return postChannel(edge, id, action, JSON.parse(seen.body.toString()));
    case 'GET tasks':
      return edge.tasks.get(id) ?? null;
    case 'GET receipts':
      return edge.receipts.get(id) ?? null;
    case 'POST tasks':
      return postTask(edge, id, JSON.parse(seen.body.toString()));
    default:
      return null;
  }
}

function resultOf({ card: { did, agent, name, description, card_sha256, skills } }: TestExecutor) {
  const parts = { lexical: 1, vector: 1, reputation: 0, price: 0, presence: 0 };
  const price = { base: '1000', per_mgas: '100', per_page: '10' };
  return {
    did,
    agent,
    name,
    description,
    card_sha256,
    skills,
    score: 1,
    parts,
    online: true,
    price,
  };
}

type ChannelBody = {
  open?: Envelope<PaychOpen>;
  voucher?: Envelope<{ cum: string; lane: string }>;
};

function postChannel(edge: TestEdge, id: string, action: string, body: ChannelBody): object | null {
  if (body.open !== undefined) {
    const channel = openedChannel(body.open);
    edge.channels.set(channel.ch, channel);
    return channel;
  }
  const channel = edge.channels.get(id);
  if (channel === undefined) return null;
  if (body.voucher !== undefined) {
    edge.vouchers.push(body.voucher);
    const { lane, cum } = body.voucher.body;
    return { ch: id, dir: 'a', lane: Number(lane), held: cum };
  }
  const state = action === 'close1' ? 'closing' : 'closed';
  const next = { ...channel, state, version: channel.version + 1 } as const;
  edge.channels.set(id, next);
  return next;
}

function openedChannel(open: Envelope<PaychOpen>): ChannelAnswer {
  return channelAnswerOf({ ch: idOf(TEST_NETWORK, 'paych.open', open.body), open });
}

type TaskBody = {
  manifest: Envelope<TaskManifest>;
  cond: Envelope<PaychCond>;
  objection?: Envelope<{ reason: string }>;
};

async function postTask(edge: TestEdge, id: string, request: TaskBody): Promise<object | null> {
  if (request.objection !== undefined) {
    const task = edge.tasks.get(id);
    if (task !== undefined) edge.objections.push(request.objection);
    return task ?? null;
  }
  const { manifest, cond } = request;
  const executor = edge.executors.find(({ signer }) => signer.did === manifest.body.executor);
  if (executor === undefined) return null;
  const task = idOf(TEST_NETWORK, 'task.manifest', manifest.body);
  const offered: TaskAnswer = {
    task,
    state: 'offered',
    manifest: { ...manifest, body: { ...manifest.body } },
    cond: { ...cond, body: { ...cond.body } },
    accept: null,
    receipt: null,
    objection: null,
    reject: null,
    output: null,
    submitted_at: START,
    accepted_at: null,
    done_at: null,
  };
  const done = await outcomeOf(edge, executor, offered, request);
  edge.tasks.set(task, done);
  // As the real one: what became of it is asked for afterwards.
  return offered;
}

async function outcomeOf(
  _edge: TestEdge,
  { behaviour, work }: TestExecutor,
  offered: TaskAnswer,
  { manifest, cond }: TaskBody,
): Promise<TaskAnswer> {
  const { reject, rejectUnlessBase, vanish, withholdOutput } = behaviour;
  if (reject !== undefined) {
    return { ...offered, state: 'rejected', reject: { task: offered.task, ...reject } };
  }
  if (rejectUnlessBase !== undefined && manifest.body.price_base !== rejectUnlessBase) {
    const code = 'price-below-card';
    return { ...offered, state: 'rejected', reject: { task: offered.task, code } };
  }
  if (vanish === 'silent') return offered;
  if (vanish === 'accepted') return { ...offered, state: 'failed', accepted_at: START };
  const { ch, lane } = cond.body;
  const { receipt, output } = await work(offered.task, manifest.body, { ch, lane });
  const inline = withholdOutput === true ? null : encodeBase64url(output);
  const body = { ...receipt.body };
  return {
    ...offered,
    state: 'done',
    receipt: { ...receipt, body },
    output: inline,
    done_at: START,
  };
}
