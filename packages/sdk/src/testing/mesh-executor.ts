/** An executor for tests on a real node of the mesh, and what it was sent. */
import { type Mesh, type Question, type Reply, serveGateway, startMesh } from '@zerostate/mesh';
import {
  cardRecordSchema,
  type Did,
  encodeBase64url,
  envelopeField,
  err,
  idOf,
  ok,
  paychCondSchema,
  paychVoucherSchema,
  sealEnvelope,
  sha256,
  taskManifestSchema,
  taskObjectionSchema,
  utf8,
} from '@zerostate/shared';
import { systemMeshPorts } from '../mesh/adapters/system-ports.ts';
import type { Fetch } from '../ports.ts';
import { type Done, type TestExecutor, testExecutor } from './executor.ts';
import { signerOf } from './parties.ts';

const TCP = '/ip4/127.0.0.1/tcp/0';

/** How it behaves towards the mesh, beside how it works. */
export interface MeshBehaviour {
  /** Answers an offer by an acceptance first, and pushes its result, or waits until it is asked. */
  result?: 'at-once' | 'pushed' | 'asked';
  /** Sends its output after the message, as one that does not fit inside. */
  outputFollows?: boolean;
  /** Does not take vouchers. */
  refusesVouchers?: boolean;
}

export interface MeshExecutor {
  readonly mesh: Mesh;
  readonly executor: TestExecutor;
  readonly address: string;
  readonly behaviour: MeshBehaviour;
  /** Every offer that came, by its task. */
  readonly offers: string[];
  /** Tasks that were run. */
  readonly runs: string[];
  readonly vouchers: { lane: string; cum: string }[];
  readonly objections: string[];
  stop(): Promise<void>;
}

/** The seed of a named party: its node is its identity. */
export function seedOf(name: string): Uint8Array {
  return sha256(utf8(name));
}

/** A node on loopback, started from others. */
export async function testNode(
  name: string,
  network: string,
  bootstrap: readonly string[] = [],
): Promise<Mesh> {
  const started = await startMesh({
    seed: seedOf(name),
    network,
    config: { listen: [TCP], allowPrivate: true, isDhtServer: true, bootstrap },
    ports: systemMeshPorts,
  });
  if (!started.ok) throw new Error(started.detail ?? started.code);
  return started.value;
}

export function addressOf(mesh: Mesh): string {
  const [address] = mesh.addresses();
  if (address === undefined) throw new Error('the node has no address');
  return address;
}

export async function meshExecutor(
  network: string,
  name: string,
  options: {
    now: number;
    bootstrap?: readonly string[];
    behaviour?: MeshBehaviour;
    work?: Parameters<typeof testExecutor>[2];
    /** The edge that it is a gateway to; none when absent. */
    gateway?: { origin: string; fetch: Fetch };
  },
): Promise<MeshExecutor> {
  const { now, work, gateway, behaviour = {} } = options;
  const mesh = await testNode(name, network, options.bootstrap);
  const executor = await testExecutor(network, await signerOf(name), { ...work, now });
  const party: MeshExecutor = {
    mesh,
    executor,
    behaviour,
    address: addressOf(mesh),
    offers: [],
    runs: [],
    vouchers: [],
    objections: [],
    stop: () => mesh.stop(),
  };
  const done = new Map<string, Done>();
  mesh.tasks.handle('task.offer', (question) => offered(party, network, done, question));
  mesh.tasks.handle('voucher.deliver', async ({ message }) => {
    if (message.type !== 'voucher.deliver') return err('message-unexpected');
    if (behaviour.refusesVouchers === true) return err('channel-unknown');
    const { lane, cum } = paychVoucherSchema.parse(message.body.voucher.body);
    party.vouchers.push({ lane, cum });
    return ok({ message: null });
  });
  mesh.tasks.handle('task.objection', async ({ message }) => {
    if (message.type !== 'task.objection') return err('message-unexpected');
    party.objections.push(taskObjectionSchema.parse(message.body.objection.body).reason);
    return ok({ message: null });
  });
  const { record, card } = executor.card;
  const signed = { ...record, body: cardRecordSchema.parse(record.body) };
  // Checked border: it was built as an agent's card a moment ago.
  const published = await mesh.cards.publish({ record: signed, card: card as never });
  if (!published.ok) throw new Error(`${published.code} ${published.detail ?? ''}`);
  if (gateway !== undefined) await serveGateway(mesh, { ...gateway, ports: systemMeshPorts });
  return party;
}

async function offered(
  party: MeshExecutor,
  network: string,
  done: Map<string, Done>,
  { from, message, signal }: Question,
): Promise<Reply> {
  if (message.type !== 'task.offer') return err('message-unexpected');
  const manifest = taskManifestSchema.parse(message.body.manifest.body);
  const { ch, lane } = paychCondSchema.parse(message.body.cond.body);
  const task = idOf(network, 'task.manifest', manifest);
  party.offers.push(task);
  const { behaviour, signer, work } = party.executor;
  if (behaviour.reject !== undefined) {
    return ok({ message: { type: 'task.reject', body: { task, ...behaviour.reject } } });
  }
  if (behaviour.vanish === 'silent') {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return err('deadline');
  }
  const deadline = manifest.not_after;
  const accept = await sealEnvelope(network, 'task.accept', { task, ch, lane, deadline }, signer);
  const accepted: Reply = ok({
    message: { type: 'task.accept', body: { accept: envelopeField.parse(accept) } },
  });
  if (behaviour.vanish === 'accepted') return accepted;
  const isAgain = party.offers.filter((one) => one === task).length > 1;
  const before = done.get(task);
  const result = before ?? (await work(task, manifest, { ch, lane }));
  done.set(task, result);
  if (before === undefined) party.runs.push(task);
  const { result: when = 'at-once' } = party.behaviour;
  if (when === 'pushed') void push(party, from, result);
  return when === 'at-once' || isAgain ? ok(resultOf(party, result)) : accepted;
}

function resultOf({ executor, behaviour }: MeshExecutor, { receipt, output }: Done) {
  const isWithheld = executor.behaviour.withholdOutput === true;
  const follows = behaviour.outputFollows === true && !isWithheld;
  const inline = isWithheld || follows ? {} : { output: encodeBase64url(output) };
  const body = { receipt: envelopeField.parse(receipt), ...inline };
  const message = { type: 'task.result' as const, body };
  return { message, ...(follows ? { body: output } : {}) };
}

async function push(party: MeshExecutor, to: Did, result: Done): Promise<void> {
  const { message, ...body } = resultOf(party, result);
  await party.mesh.ask(to, message, body);
}
