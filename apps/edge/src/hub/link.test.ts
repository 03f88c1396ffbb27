import {
  type EdgeFrame,
  edgeFrameSchema,
  encodeBase64url,
  FRAME_BYTES_MAX,
  type LinkHello,
  linkWelcomeSchema,
  openEnvelope,
  type Signer,
  sealEnvelope,
  utf8,
} from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  freshNonce,
  makeAccept,
  makeOpen,
  makePublication,
  makeReceipt,
  makeTask,
} from '../../test-support/documents.ts';
import { createEdgeWorld, type EdgeWorld, ORIGIN } from '../../test-support/world.ts';
import { type NodeServer, serveNode } from '../entry/node-server.ts';

let world: EdgeWorld;
let server: NodeServer;
const dialled: Executor[] = [];

beforeEach(async () => {
  world = await createEdgeWorld();
  server = await serveNode(
    { app: world.app, links: world.sockets },
    { host: '127.0.0.1', port: 0 },
  );
});
afterEach(async () => {
  for (const executor of dialled.splice(0)) executor.socket.terminate();
  await world.hub.stop();
  server.destroy();
  await server.close();
  await world.close();
});

/** An executor's end that does exactly what the test says. */
class Executor {
  readonly socket: WebSocket;
  readonly #frames: EdgeFrame[] = [];
  #wake: (() => void) | null = null;
  closed: Promise<{ code: number }>;
  nonce = '';

  constructor() {
    this.socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/link`);
    this.socket.on('message', (data) => {
      const frame = edgeFrameSchema.parse(JSON.parse(data.toString()));
      if (frame.t === 'nonce') this.nonce = frame.nonce;
      this.#frames.push(frame);
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code) => resolve({ code }));
    });
    this.socket.on('error', () => {});
    dialled.push(this);
  }

  async next<T extends EdgeFrame['t']>(t: T): Promise<Extract<EdgeFrame, { t: T }>> {
    for (;;) {
      const at = this.#frames.findIndex((frame) => frame.t === t);
      const [frame] = at < 0 ? [] : this.#frames.splice(at, 1);
      // Checked border: findIndex has compared the tag.
      if (frame !== undefined) return frame as Extract<EdgeFrame, { t: T }>;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next message of the directory's outbox; the ledger's come in between. */
  async offer() {
    for (;;) {
      const frame = await this.next('msg');
      if (frame.db === 'directory') return frame;
    }
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  async hello(signer: Signer, change: Partial<LinkHello> = {}, by: Signer = signer): Promise<void> {
    if (this.nonce === '') await this.next('nonce');
    const { nonce } = this;
    const body: LinkHello = {
      did: signer.did,
      edge: ORIGIN,
      edge_did: world.edgeSigner.did,
      nonce,
      session: SESSION,
      seen_ledger: '0',
      seen_directory: '0',
      features: [],
      ...change,
    };
    const hello = await sealEnvelope(world.network, 'link.hello', body, by);
    this.send({ t: 'hello', hello });
  }

  async open(signer: Signer, change: Partial<LinkHello> = {}) {
    await this.hello(signer, change);
    const { welcome } = await this.next('welcome');
    const opened = await openEnvelope(
      world.network,
      welcome,
      linkWelcomeSchema,
      'link.welcome',
      world.tasks.verifier,
      { by: [world.edgeSigner.did] },
    );
    if (!opened.ok) throw new Error(opened.code);
    return opened.value.body;
  }
}

const SESSION = encodeBase64url(new Uint8Array(16).fill(9));

/** Alice pays Bob, who has a live card; the task is in Bob's outbox. */
async function offeredTask() {
  const { network, alice, bob } = world;
  const now = world.now();
  await world.fund(alice);
  await world.fund(bob);
  await world.call('POST', '/v1/cards', { json: await makePublication(network, bob, { now }) });
  const { open, ch, dir } = await makeOpen(network, alice, bob, { now });
  await world.ledger.openChannel(open, null);
  return submittedTask(ch, dir, '1');
}

async function submittedTask(ch: string, dir: 'a' | 'b', lane: string) {
  const input = utf8('in');
  const about = { now: world.now(), ch, dir, lane, input };
  const pair = await makeTask(world.network, world.alice, world.bob, about);
  const json = { manifest: pair.manifest, cond: pair.cond, input: encodeBase64url(input) };
  const response = await world.call('POST', '/v1/tasks', { json });
  expect(response.status).toBe(202);
  return { pair, ch, dir };
}

describe('a hello', () => {
  test('is answered with a welcome over the same nonce, in a higher epoch each time', async () => {
    const first = await new Executor().open(world.bob);
    expect(first).toMatchObject({ did: world.bob.did, epoch: '1', seen: '0', session: SESSION });
    const second = await new Executor().open(world.bob);
    expect(second.epoch).toBe('2');
    expect(second.nonce).not.toBe(first.nonce);
  });

  test.each<[string, string, Partial<LinkHello>]>([
    ['for another edge’s DID', 'hello-not-for-this-edge', { edge_did: 'other' }],
    ['for another origin', 'hello-not-for-this-edge', { edge: 'https://other.example' }],
    ['over another nonce', 'hello-nonce-wrong', { nonce: freshNonce() }],
  ])('%s opens nothing', async (_, code, change) => {
    const executor = new Executor();
    const known = change.edge_did === undefined ? change : { edge_did: world.carol.did };
    await executor.hello(world.bob, known);
    expect(await executor.next('error')).toMatchObject({ code });
    expect((await executor.closed).code).toBe(1008);
  });

  test('with a bad signature opens nothing', async () => {
    const executor = new Executor();
    await executor.hello(world.bob, {}, world.alice);
    expect(await executor.next('error')).toMatchObject({ code: 'hello-invalid' });
    await executor.closed;
  });

  test('comes first: any other frame closes the socket', async () => {
    const executor = new Executor();
    await executor.next('nonce');
    executor.send({ t: 'ping' });
    expect(await executor.next('error')).toMatchObject({ code: 'hello-expected' });
    await executor.closed;
  });

  test('comes within five seconds', async () => {
    const executor = new Executor();
    await executor.next('nonce');
    await world.pass(5_001);
    await world.hub.tick();
    expect(await executor.next('error')).toMatchObject({ code: 'hello-late' });
    await executor.closed;
  });

  test('has eight places for one address', async () => {
    const sockets = Array.from({ length: 8 }, () => new Executor());
    await Promise.all(sockets.map((socket) => socket.next('nonce')));
    const ninth = new Executor();
    const refused = await new Promise((resolve) => {
      ninth.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    });
    expect(refused).toBe(503);
    await sockets[0]?.hello(world.bob);
    await sockets[0]?.next('welcome');
    await new Executor().next('nonce');
  });
});

describe('a frame', () => {
  test.each<[string, string, number]>([
    ['that is not JSON', '{', 1008],
    ['of an unknown kind', '{"t":"dance"}', 1008],
    ['over 1 MiB', `"${'x'.repeat(FRAME_BYTES_MAX)}"`, 1009],
  ])('%s closes the link', async (_, text, code) => {
    const executor = new Executor();
    await executor.open(world.bob);
    executor.socket.send(text);
    await executor.next('error');
    expect((await executor.closed).code).toBe(code);
  });

  test('of bytes closes the link', async () => {
    const executor = new Executor();
    await executor.open(world.bob);
    executor.socket.send(new Uint8Array([1, 2, 3]));
    expect(await executor.next('error')).toMatchObject({ code: 'frame-binary' });
  });

  test('of an older epoch is not heard: the newer link ends the older one', async () => {
    const older = new Executor();
    await older.open(world.bob);
    await new Executor().open(world.bob);
    expect(await older.next('error')).toMatchObject({ code: 'stale-epoch' });
    await older.closed;
  });

  test('of an epoch that another process has passed is refused within a second', async () => {
    const older = new Executor();
    await older.open(world.bob);
    await world.directory.batch([{ sql: 'UPDATE link SET epoch = epoch + 1', args: [] }]);
    await world.hub.tick();
    expect(await older.next('error')).toMatchObject({ code: 'stale-epoch' });
    await older.closed;
  });
});

describe('messages', () => {
  test('carry a task to its executor and the receipt back to whoever waits', async () => {
    const executor = new Executor();
    await executor.open(world.bob);
    const { pair } = await offeredTask();
    const offer = await executor.offer();
    const waiting = world.call('GET', `/v1/tasks/${pair.id}?wait=30`, { signer: world.alice });
    const accept = await makeAccept(world.network, world.bob, pair, world.now() + 9_000);
    const output = utf8('out');
    const about = { now: world.now(), output };
    const receipt = await makeReceipt(world.network, world.bob, pair, about);
    executor.send({ t: 'msg', n: 1, type: 'task.accept', body: accept });
    const result = { receipt, output: encodeBase64url(output) };
    executor.send({ t: 'msg', n: 2, type: 'task.result', body: result });
    expect(await (await waiting).json()).toMatchObject({ state: 'done', receipt });
    let acked = 0;
    while (acked < 2) acked = (await executor.next('ack')).n;
    expect(offer).toMatchObject({ db: 'directory', seq: 1, type: 'task.offer' });
  });

  test('that were sent before the link broke come again, and none after their ack', async () => {
    const first = new Executor();
    await first.open(world.bob);
    const { ch, dir } = await offeredTask();
    await submittedTask(ch, dir, '2');
    await first.offer();
    await first.offer();
    first.socket.terminate();
    const second = new Executor();
    await second.open(world.bob, { seen_directory: '1' });
    expect(await second.offer()).toMatchObject({ seq: 2 });
    second.send({ t: 'ack', ledger: 0, directory: 2 });
    second.send({ t: 'ping' });
    await second.next('pong');
    await world.hub.tick();
    const left = await world.directory.read({ sql: 'SELECT seq FROM outbox', args: [] });
    expect(left).toEqual([]);
  });

  test('of the executor are counted by session: a resumed one goes on, a new one starts again', async () => {
    const presence = { queue: 0, running: 1, capacity: 2 };
    const first = new Executor();
    await first.open(world.bob);
    for (const n of [1, 2, 3]) first.send({ t: 'msg', n, type: 'presence', body: presence });
    let acked = 0;
    while (acked < 3) acked = (await first.next('ack')).n;
    first.socket.close();
    await first.closed;
    await world.hub.tick();
    expect((await new Executor().open(world.bob)).seen).toBe('3');
    const session = freshNonce();
    expect((await new Executor().open(world.bob, { session })).seen).toBe('0');
  });

  test('that are refused are acknowledged, with the reason', async () => {
    const executor = new Executor();
    await executor.open(world.bob);
    const body = { task: 'A'.repeat(43), code: 'busy' };
    executor.send({ t: 'msg', n: 1, type: 'task.reject', body });
    expect(await executor.next('error')).toMatchObject({ re: 1, code: 'task-unknown' });
    expect(await executor.next('ack')).toEqual({ t: 'ack', n: 1 });
    executor.send({ t: 'msg', n: 2, type: 'task.dance', body });
    expect(await executor.next('error')).toMatchObject({ re: 2, code: 'message-unknown' });
  });

  test('that another process wrote are sent within a second', async () => {
    const executor = new Executor();
    await executor.open(world.bob);
    const { outboxInsert } = await import('./outbox.ts');
    const body = { ch: 'A'.repeat(43), state: 'closed' } as const;
    await world.directory.batch(outboxInsert(world.bob.did, 'channel.changed', body, 1));
    await world.hub.tick();
    expect(await executor.next('msg')).toMatchObject({ type: 'channel.changed', body });
  });

  test('are at most 64 ahead of their acknowledgements', async () => {
    const { outboxInsert } = await import('./outbox.ts');
    const body = { ch: 'A'.repeat(43), state: 'closed' } as const;
    for (let i = 0; i < 70; i++) {
      await world.directory.batch(outboxInsert(world.bob.did, 'channel.changed', body, i));
    }
    const executor = new Executor();
    await executor.open(world.bob);
    for (let seq = 1; seq <= 64; seq++) expect(await executor.next('msg')).toMatchObject({ seq });
    executor.send({ t: 'ping' });
    await executor.next('pong');
    executor.send({ t: 'ack', ledger: 0, directory: 10 });
    for (let seq = 65; seq <= 70; seq++) expect(await executor.next('msg')).toMatchObject({ seq });
  });
});

describe('presence', () => {
  const online = async () => {
    const { isOnline } = await import('./presence.ts');
    return isOnline(world.directory, world.bob.did, world.now());
  };

  test('follows the link, and ends with it', async () => {
    expect(await online()).toBe(false);
    const executor = new Executor();
    await executor.open(world.bob);
    expect(await online()).toBe(true);
    executor.socket.close();
    await executor.closed;
    await world.hub.tick();
    expect(await online()).toBe(false);
  });

  test('a silent link is pinged, and given up after 45 seconds', async () => {
    const executor = new Executor();
    await executor.open(world.bob);
    await world.pass(15_001);
    await world.hub.tick();
    await executor.next('ping');
    await world.pass(30_000);
    await world.hub.tick();
    expect(await executor.next('error')).toMatchObject({ code: 'link-dead' });
  });
});

test('a stop says goodbye, and what was processed is remembered', async () => {
  const executor = new Executor();
  await executor.open(world.bob);
  const presence = { queue: 0, running: 0, capacity: 1 };
  executor.send({ t: 'msg', n: 1, type: 'presence', body: presence });
  await executor.next('ack');
  await world.hub.stop();
  expect((await executor.closed).code).toBe(1001);
  const [link] = await world.directory.read({ sql: 'SELECT seen FROM link', args: [] });
  expect(link?.seen).toBe(1n);
});
