import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AMOUNT_MAX,
  type ChannelAnswer,
  createSigner,
  createVerifier,
  type Envelope,
  encodeBase64url,
  executorFrameSchema,
  type LinkHello,
  linkHelloSchema,
  networkId,
  type OutboxDatabase,
  openEnvelope,
  paychVoucherSchema,
  redeemRequestSchema,
  type Signer,
  sealEnvelope,
} from '@zerostate/shared';
import { type WebSocket, WebSocketServer } from 'ws';
import { systemRng } from '../adapters/system.ts';
import { claimSchema, fundSchema } from './orders.ts';

export type Received = { n: number; type: string; body: Record<string, unknown> };
type Row = { seq: number; type: string; body: unknown };

const seedOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const nonce = (): string => encodeBase64url(systemRng.bytes(16));

/**
 * The edge's end for tests: the frames of the link over real sockets, the routes that an executor
 * asks, and a ledger that only adds up. It survives the executor, as an edge does.
 */
export class TestEdge {
  readonly #server = createServer((request, response) => {
    this.#http(request, response).catch((cause: unknown) => response.destroy(cause as Error));
  });
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #outbox: Record<OutboxDatabase, Row[]> = { ledger: [], directory: [] };
  readonly #waiters = new Set<() => void>();
  readonly #processed = new Map<string, number>();
  readonly #verifier = createVerifier();
  readonly signer: Signer;
  readonly network: string;
  readonly genesis: { ledger: string; asset: string; kind: 'local'; created_at: string };
  #link: WebSocket | null = null;
  /** Every message once, in order, over all sessions. */
  readonly received: Received[] = [];
  readonly errors: { code: string; re: { db: string; seq: number } }[] = [];
  readonly acks: Record<OutboxDatabase, number> = { ledger: 0, directory: 0 };
  readonly channels = new Map<string, ChannelAnswer>();
  readonly blobs = new Map<string, Uint8Array>();
  readonly redeemed: { ch: string; lane: string; cum: string; receipts: number }[] = [];
  readonly funded: { ch: string; dir: 'a' | 'b'; amount: string; by: 'topup' | 'roll' }[] = [];
  /** The total that the escrow lets a lane come to. */
  payable = AMOUNT_MAX;
  readonly hellos: LinkHello[] = [];
  /** Sockets that were greeted. */
  greetings = 0;
  /** Refuses a message instead of taking it. */
  refuse: (message: Received) => string | null = () => null;
  /** Answers a claim; null takes it. */
  refuseClaim: () => string | null = () => null;
  readonly claims: { cond: Envelope<unknown>; receipt: Envelope<unknown> }[] = [];
  /** The edge's clock. */
  now: () => number = () => 0;
  /** What is sent in the nonce frame instead of the truth. */
  lie: { edge_did?: string; network?: string } = {};
  isHttpDown: boolean = false;
  /** Messages of the executor are taken without being acknowledged. */
  isSilent: boolean = false;
  /** Nothing is answered any more, as by a host that is gone. */
  isDeaf: boolean = false;

  private constructor(signer: Signer) {
    this.signer = signer;
    this.genesis = { ledger: signer.did, asset: 'credit', kind: 'local', created_at: '1' };
    this.network = networkId(this.genesis);
  }

  static async start(): Promise<TestEdge> {
    const edge = new TestEdge(await createSigner(seedOf(9)));
    edge.#server.on('upgrade', (request, socket, head) => {
      edge.#sockets.handleUpgrade(request, socket, head, (ws) => edge.#greet(ws));
    });
    await new Promise<void>((done) => edge.#server.listen(0, '127.0.0.1', done));
    return edge;
  }

  get url(): string {
    const address = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  /** Puts a message into an outbox and sends it where the executor is linked. */
  deliver(db: OutboxDatabase, type: string, body: unknown): number {
    const row = { seq: this.#outbox[db].length + 1, type, body };
    this.#outbox[db].push(row);
    this.#send(db, row);
    return row.seq;
  }

  /** Puts a message into an outbox that is lost on the way. */
  lose(db: OutboxDatabase, type: string, body: unknown): void {
    this.#outbox[db].push({ seq: this.#outbox[db].length + 1, type, body });
  }

  /** Sends a message again that was sent before, as after a lost acknowledgement. */
  repeat(db: OutboxDatabase, seq: number): void {
    const row = this.#outbox[db][seq - 1];
    if (row !== undefined) this.#send(db, row);
  }

  /** The body of a message that was delivered. */
  sent(db: OutboxDatabase, seq: number): unknown {
    return this.#outbox[db][seq - 1]?.body;
  }

  sendRaw(text: string): void {
    this.#link?.send(text);
  }

  hangUp(): void {
    this.#link?.terminate();
    this.#link = null;
  }

  /** Resolves with what `find` gives, as soon as it gives something. */
  async until<T>(find: () => T | undefined | null | false): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined && found !== null && found !== false) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiters.delete(wake);
          resolve();
        };
        this.#waiters.add(wake);
      });
    }
  }

  /** The first message of a type about `ref`, now or when it comes. */
  message(type: string, test: (body: Record<string, unknown>) => boolean = () => true) {
    return this.until(() => this.received.find((m) => m.type === type && test(m.body)));
  }

  acked(db: OutboxDatabase, seq: number): Promise<true> {
    return this.until(() => this.acks[db] >= seq);
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #send(db: OutboxDatabase, row: Row): void {
    this.#link?.send(JSON.stringify({ t: 'msg', db, ...row }));
  }

  #greet(socket: WebSocket): void {
    const challenge = nonce();
    this.greetings += 1;
    let session = '';
    const said = { edge_did: this.signer.did, network: this.network, ...this.lie };
    socket.send(JSON.stringify({ t: 'nonce', nonce: challenge, ...said }));
    let reading = Promise.resolve();
    socket.on('message', (data: Buffer) => {
      reading = reading.then(async () => {
        if (this.isDeaf) return;
        const frame = executorFrameSchema.parse(JSON.parse(data.toString()));
        if (frame.t === 'hello') session = await this.#welcome(socket, frame.hello, challenge);
        else if (frame.t === 'ping') socket.send('{"t":"pong"}');
        else if (frame.t === 'ack') {
          this.acks.ledger = Math.max(this.acks.ledger, frame.ledger);
          this.acks.directory = Math.max(this.acks.directory, frame.directory);
        } else if (frame.t === 'error') this.errors.push(frame);
        else if (frame.t === 'msg') this.#take(socket, session, frame);
        this.#wake();
      });
    });
    socket.on('close', () => {
      if (this.#link === socket) this.#link = null;
      this.#wake();
    });
  }

  async #welcome(socket: WebSocket, raw: unknown, challenge: string): Promise<string> {
    const opened = await openEnvelope(
      this.network,
      raw,
      linkHelloSchema,
      'link.hello',
      this.#verifier,
      { by: (body) => [body.did] },
    );
    if (!opened.ok) throw new Error(opened.code);
    const hello = opened.value.body;
    if (hello.nonce !== challenge || hello.edge !== this.url)
      throw new Error('hello is not for us');
    this.hellos.push(hello);
    const welcome = {
      did: hello.did,
      edge_did: this.signer.did,
      nonce: challenge,
      session: hello.session,
      epoch: String(this.hellos.length),
      seen: String(this.#processed.get(hello.session) ?? 0),
      features: [],
    };
    socket.send(
      JSON.stringify({
        t: 'welcome',
        welcome: await sealEnvelope(this.network, 'link.welcome', welcome, this.signer),
      }),
    );
    this.#link = socket;
    const seen = { ledger: Number(hello.seen_ledger), directory: Number(hello.seen_directory) };
    for (const db of ['ledger', 'directory'] as const) {
      for (const row of this.#outbox[db]) if (row.seq > seen[db]) this.#send(db, row);
    }
    return hello.session;
  }

  #take(socket: WebSocket, session: string, frame: Received): void {
    const before = this.#processed.get(session) ?? 0;
    if (frame.n > before) {
      const { n, type, body } = frame;
      const refused = this.refuse({ n, type, body });
      if (refused === null) this.received.push({ n, type, body });
      else socket.send(JSON.stringify({ t: 'error', code: refused, re: n }));
      if (this.isSilent) return;
      this.#processed.set(session, n);
    }
    if (!this.isSilent) socket.send(JSON.stringify({ t: 'ack', n: Math.max(before, frame.n) }));
  }

  async #http(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = this.isHttpDown
      ? { status: 503, value: problem(503, 'storage-unavailable') }
      : this.#route(request.method ?? '', request.url ?? '', Buffer.concat(chunks));
    const isBytes = answer.value instanceof Uint8Array;
    const type = isBytes
      ? 'application/octet-stream'
      : answer.status < 400
        ? 'application/json'
        : 'application/problem+json';
    response.writeHead(answer.status, { 'content-type': type });
    response.end(isBytes ? answer.value : JSON.stringify(answer.value));
    this.#wake();
  }

  #route(method: string, url: string, body: Buffer): { status: number; value: unknown } {
    const path = new URL(url, this.url).pathname.split('/').slice(2);
    const route = `${method} ${path[0]}${path[2] === undefined ? '' : ` ${path[2]}`}`;
    const id = path[1] ?? '';
    const lost = { status: 404, value: problem(404, 'not-found') };
    switch (route) {
      case 'GET network':
        return { status: 200, value: this.#networkAnswer() };
      case 'PUT blobs':
        this.blobs.set(id, body);
        return { status: 201, value: { sha256: id, bytes: body.length } };
      case 'GET blobs': {
        const blob = this.blobs.get(id);
        return blob === undefined ? lost : { status: 200, value: blob };
      }
      case 'GET channels': {
        const channel = this.channels.get(id);
        return channel === undefined ? lost : { status: 200, value: channel };
      }
      case 'POST channels redeem':
        return { status: 200, value: this.#redeem(id, JSON.parse(body.toString())) };
      case 'POST channels topup':
      case 'POST channels roll':
        return this.#fund(id, JSON.parse(body.toString()));
      case 'POST channels close1':
        return this.#close1(id);
      case 'POST claims':
        return this.#claim(JSON.parse(body.toString()));
      default:
        return lost;
    }
  }

  #networkAnswer() {
    return {
      network: this.network,
      genesis: this.genesis,
      edge_did: this.signer.did,
      origins: [this.url],
      arbiters: [],
      faucet: true,
      now: this.now(),
      version: 'test',
    };
  }

  #redeem(ch: string, raw: unknown) {
    const channel = this.channels.get(ch);
    const { redemptions } = redeemRequestSchema.parse(raw);
    const redeemed = redemptions.map(({ voucher, receipts = [] }) => {
      const signed = paychVoucherSchema.parse(voucher.body);
      const { dir } = signed;
      const lane = Number(signed.lane);
      const row = channel?.lanes.find((one) => one.lane === lane && one.dir === dir);
      const before = BigInt(row?.cum ?? '0');
      const most = BigInt(signed.cum) < this.payable ? BigInt(signed.cum) : this.payable;
      const moved = most > before ? most - before : 0n;
      const cum = String(before + moved);
      // A part leaves the memo: it commits to receipts that are paid in full.
      const { memo = '', memo_cum = '0' } = row ?? {};
      const isWhole = cum === signed.cum;
      const proof = isWhole ? { memo: signed.memo, memo_cum: cum } : { memo, memo_cum };
      if (row !== undefined && moved > 0n) Object.assign(row, { cum, ...proof });
      if (row === undefined) channel?.lanes.push({ dir, lane, cum, ...proof });
      if (moved > 0n) {
        this.redeemed.push({ ch, lane: signed.lane, cum, receipts: receipts.length });
      }
      const counted = isWhole ? receipts.length : 0;
      return { ch, dir, lane, cum, moved: String(moved), counted };
    });
    return { redeemed, refused: [] };
  }

  /** Adds to the executor's side, whether the money comes from the account or from a roll. */
  #fund(ch: string, raw: unknown): { status: number; value: unknown } {
    const channel = this.channels.get(ch);
    const { topup, roll } = fundSchema.parse(raw);
    const [order] = [topup, roll].filter((one) => one !== undefined);
    if (channel === undefined || order === undefined) {
      return { status: 404, value: problem(404, 'channel-unknown') };
    }
    const dir = 'to_dir' in order.body ? order.body.to_dir : order.body.dir;
    const side = dir === 'a' ? 'fund_a' : 'fund_b';
    channel[side] = String(BigInt(channel[side]) + BigInt(order.body.amount));
    this.funded.push({
      ch,
      dir,
      amount: order.body.amount,
      by: topup === undefined ? 'roll' : 'topup',
    });
    return { status: 200, value: channel };
  }

  #close1(ch: string): { status: number; value: unknown } {
    const channel = this.channels.get(ch);
    if (channel === undefined) return { status: 404, value: problem(404, 'channel-unknown') };
    Object.assign(channel, { state: 'closing', close_at: this.now() + channel.window_ms });
    return { status: 200, value: channel };
  }

  #claim(raw: unknown): { status: number; value: unknown } {
    const { cond, receipt } = claimSchema.parse(raw);
    const refused = this.refuseClaim();
    if (refused !== null) return { status: 409, value: problem(409, refused) };
    this.claims.push({ cond, receipt } as (typeof this.claims)[number]);
    const { ch, dir, lane, base, cap, task, not_after } = cond.body;
    const claim = {
      id: task,
      ch,
      dir,
      lane: Number(lane),
      base,
      cap,
      price: receipt.body.price,
      task,
      receipt: task,
      not_after: Number(not_after),
      at: 1,
      post_at: 2,
      state: 'pending' as const,
      verdict: null,
    };
    this.channels.get(ch)?.claims.push(claim);
    return { status: 201, value: claim };
  }
}

function problem(status: number, code: string) {
  return { type: `urn:test:${code}`, title: code, status, code };
}
