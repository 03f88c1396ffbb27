/** The main job against a running edge, whatever runs it: both parties played over the wire. */
import {
  type EdgeFrame,
  edgeFrameSchema,
  encodeBase64url,
  foldMemo,
  idOf,
  type NetworkAnswer,
  networkAnswerSchema,
  type OutboxDatabase,
  type Signer,
  sealEnvelope,
  signRequest,
  taskAnswerSchema,
  utf8,
} from '@zerostate/shared';
import {
  freshNonce,
  makeAccept,
  makeOpen,
  makePublication,
  makeReceipt,
  makeTask,
} from './documents.ts';

/** Signed requests of one party. */
export class Caller {
  readonly url: string;
  readonly signer: Signer;
  readonly now: () => number;

  constructor(url: string, signer: Signer, now: () => number) {
    this.url = url;
    this.signer = signer;
    this.now = now;
  }

  /** The parsed answer; throws with the problem when the edge refuses. */
  async send(method: string, path: string, json?: unknown, isSigned = true): Promise<unknown> {
    const url = `${this.url}${path}`;
    const body = json === undefined ? undefined : utf8(JSON.stringify(json));
    const { signer } = this;
    const nonce = method === 'POST' ? freshNonce() : undefined;
    const headers = isSigned
      ? await signRequest({ method, url, body, now: this.now(), nonce, signer })
      : {};
    const response = await fetch(url, {
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'POST' ? { 'idempotency-key': freshNonce() } : {}),
      },
      ...(body === undefined ? {} : { body }),
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  }
}

export async function readNetwork(url: string): Promise<NetworkAnswer> {
  return networkAnswerSchema.parse(await (await fetch(`${url}/v1/network`)).json());
}

/** An executor's end of the link, as plain frames. */
export class LinkPeer {
  readonly socket: WebSocket;
  readonly #signer: Signer;
  readonly #frames: EdgeFrame[] = [];
  #wake: (() => void) | null = null;
  readonly #seen: Record<OutboxDatabase, number> = { ledger: 0, directory: 0 };
  #n = 0;
  readonly closed: Promise<number>;

  /** `withDid` names the DID in the URL, as a hub of many objects likes it. */
  constructor(url: string, signer: Signer, withDid = true) {
    this.#signer = signer;
    const query = withDid ? `?did=${encodeURIComponent(signer.did)}` : '';
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/v1/link${query}`);
    this.socket.onmessage = ({ data }) => {
      const frame = edgeFrameSchema.parse(JSON.parse(String(data)));
      if (frame.t === 'msg') this.#acknowledge(frame.db, frame.seq);
      this.#frames.push(frame);
      this.#wake?.();
    };
    this.closed = new Promise((resolve) => {
      this.socket.onclose = ({ code }) => resolve(code);
    });
  }

  async next(matches: (frame: EdgeFrame) => boolean): Promise<EdgeFrame> {
    for (;;) {
      const at = this.#frames.findIndex(matches);
      const [frame] = at < 0 ? [] : this.#frames.splice(at, 1);
      if (frame !== undefined) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async open(
    network: NetworkAnswer,
    edge: string,
    session: string,
    features: string[] = [],
  ): Promise<EdgeFrame> {
    const greeting = await this.next(({ t }) => t === 'nonce');
    if (greeting.t !== 'nonce') throw new Error('no nonce');
    const hello = {
      did: this.#signer.did,
      edge,
      edge_did: network.edge_did,
      nonce: greeting.nonce,
      session,
      seen_ledger: '0',
      seen_directory: '0',
      features,
    };
    const sealed = await sealEnvelope(network.network, 'link.hello', hello, this.#signer);
    this.send({ t: 'hello', hello: sealed });
    return this.next(({ t }) => t === 'welcome' || t === 'error');
  }

  #acknowledge(db: OutboxDatabase, seq: number): void {
    this.#seen[db] = Math.max(this.#seen[db], seq);
    this.send({ t: 'ack', ...this.#seen });
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Sends a numbered message. */
  say(type: string, body: object): void {
    this.#n += 1;
    this.send({ t: 'msg', n: this.#n, type, body });
  }
}

export type JobReport = {
  task: string;
  /** Submit to verified result, ms, one for each task. */
  taskMs: number[];
  redeemed: unknown;
  conservation: unknown;
  payee: unknown;
};

/** Finds, opens, runs `tasks` tasks on one lane, pays each and redeems. */
export async function runJob(
  url: string,
  parties: { caller: Signer; executor: Signer },
  options: { tasks: number; now: () => number; withDid?: boolean },
): Promise<JobReport> {
  const { now } = options;
  const network = await readNetwork(url);
  const caller = new Caller(url, parties.caller, now);
  const executor = new Caller(url, parties.executor, now);
  for (const each of [caller, executor]) {
    await each.send('POST', '/v1/faucet', { amount: '1000000000' });
  }
  const link = new LinkPeer(url, parties.executor, options.withDid);
  const welcome = await link.open(network, network.origins[0] ?? url, freshNonce());
  if (welcome.t !== 'welcome') throw new Error(JSON.stringify(welcome));
  const publication = await makePublication(network.network, parties.executor, { now: now() });
  link.say('card.publish', publication);
  await link.next(({ t }) => t === 'ack');
  const terms = { now: now(), asset: network.genesis.asset };
  const opened = await makeOpen(network.network, parties.caller, parties.executor, terms);
  await caller.send('POST', '/v1/channels', { open: opened.open }, false);
  const job = { network: network.network, caller, executor, link, ...opened };
  const report = await runTasks(job, options);
  link.socket.close();
  return report;
}

type Job = {
  network: string;
  caller: Caller;
  executor: Caller;
  link: LinkPeer;
  ch: string;
  dir: 'a' | 'b';
};

async function runTasks(
  job: Job,
  options: { tasks: number; now: () => number },
): Promise<JobReport> {
  const { network, caller, executor, link, ch, dir } = job;
  const taskMs: number[] = [];
  const receipts: unknown[] = [];
  let [cum, memo, task, voucher]: [bigint, string, string, unknown] = [0n, '', '', null];
  for (let i = 0; i < options.tasks; i++) {
    const input = utf8(`input ${i}`);
    const about = { now: options.now(), ch, dir, input };
    const cond = { base: String(cum) };
    const pair = await makeTask(network, caller.signer, executor.signer, about, { cond });
    const began = performance.now();
    const done = work(job, pair, utf8(`output ${i}`), options.now());
    const { manifest } = pair;
    const request = { manifest, cond: pair.cond, input: encodeBase64url(input) };
    await caller.send('POST', '/v1/tasks', request, false);
    const answer = taskAnswerSchema.parse(await caller.send('GET', `/v1/tasks/${pair.id}?wait=30`));
    taskMs.push(performance.now() - began);
    if (answer.state !== 'done') throw new Error(`task ${answer.state}`);
    const receipt = await done;
    receipts.push(receipt);
    cum += BigInt(receipt.body.price);
    memo = foldMemo(memo, idOf(network, 'task.receipt', receipt.body), BigInt(receipt.body.price));
    task = pair.id;
    const body = { ch, dir, lane: '1', cum: String(cum), memo };
    voucher = await sealEnvelope(network, 'paych.voucher', body, caller.signer);
    await caller.send('POST', `/v1/channels/${ch}/vouchers`, { voucher }, false);
  }
  const redemptions = [{ voucher, receipts }];
  const path = `/v1/channels/${ch}/redeem`;
  const redeemed = await executor.send('POST', path, { redemptions }, false);
  const conservation = await caller.send('GET', '/v1/ledger/conservation', undefined, false);
  const did = encodeURIComponent(executor.signer.did);
  const payee = await caller.send('GET', `/v1/accounts/${did}`, undefined, false);
  link.socket.close();
  return { task, taskMs, redeemed, conservation, payee };
}

/** The executor's part of one task. */
async function work(
  job: Job,
  pair: Awaited<ReturnType<typeof makeTask>>,
  output: Uint8Array,
  now: number,
) {
  const { network, executor, link } = job;
  const accept = await makeAccept(network, executor.signer, pair, now + 60_000);
  const receipt = await makeReceipt(network, executor.signer, pair, { now, output });
  await link.next((frame) => frame.t === 'msg' && frame.type === 'task.offer');
  link.say('task.accept', accept);
  link.say('task.result', { receipt, output: encodeBase64url(output) });
  return receipt;
}
