import {
  type AskOptions,
  type AskResult,
  type Mesh,
  type Message,
  startMesh,
} from '@zerostate/mesh';
import type { TaskReceipt } from '@zerostate/shared';
import { systemRng, systemTimers } from '../adapters/system.ts';
import type { Clock } from '../ports.ts';
import { receiptOf } from './caller.ts';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

type Result = Extract<Message, { type: 'task.result' }>['body'] & { bytes: Uint8Array };

/** A party of the mesh with a key of its own: asks one node, and hears what that node tells it. */
export class MeshPeer {
  readonly mesh: Mesh;
  readonly #node: string;
  /** Results that the node told, each time it told them. */
  readonly results: Result[] = [];
  /** Receipts that came as the answer to a question. */
  readonly #answered: TaskReceipt[] = [];
  /** What this peer answers to a result. */
  takesResults: boolean;

  private constructor(mesh: Mesh, node: string) {
    this.mesh = mesh;
    this.#node = node;
    this.takesResults = true;
    mesh.tasks.handle('task.result', async ({ message, body: bytes }) => {
      if (message.type !== 'task.result') throw new Error(message.type);
      if (!this.takesResults) return { ok: false, code: 'busy' };
      this.results.push({ ...message.body, bytes });
      return { ok: true, value: { message: null } };
    });
  }

  /** `fill`: of its seed; a Caller of the same fill is the same party. */
  static async join(node: Mesh, network: string, clock: Clock, fill: number): Promise<MeshPeer> {
    const started = await startMesh({
      seed: new Uint8Array(32).fill(fill),
      network,
      config: { listen: ['/ip4/127.0.0.1/tcp/0'], allowPrivate: true, isDhtServer: true },
      ports: { clock, rng: systemRng, timers: systemTimers, log: SILENT },
    });
    if (!started.ok) throw new Error(`${started.code}: ${started.detail}`);
    const peer = new MeshPeer(started.value, node.did);
    await peer.meet(node);
    return peer;
  }

  /** Connects with a node at its addresses of now. */
  async meet(node: Mesh): Promise<void> {
    const [address = ''] = node.addresses();
    const met = await this.mesh.connect(address);
    if (!met.ok) throw new Error(`${met.code}: ${met.detail}`);
  }

  async ask(message: Message, options: AskOptions = {}): Promise<AskResult> {
    const answer = await this.mesh.ask(this.#node, message, options);
    if (answer.ok && answer.value.message?.type === 'task.result') {
      this.#answered.push(receiptOf(answer.value.message.body));
    }
    return answer;
  }

  /** The message of an answer that must be one. */
  async said(message: Message, options: AskOptions = {}): Promise<Message> {
    const answer = await this.ask(message, options);
    if (!answer.ok) throw new Error(`${answer.code} ${answer.detail}`);
    if (answer.value.message === null) throw new Error(`${message.type} was only acknowledged`);
    return answer.value.message;
  }

  /** The receipt of a task that the node told by itself or answered, now or when it comes. */
  async told(task: string): Promise<TaskReceipt> {
    for (;;) {
      const receipts = [...this.#answered, ...this.results.map((result) => receiptOf(result))];
      const found = receipts.find((receipt) => receipt.task === task);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => systemTimers.after(5, resolve));
    }
  }

  stop(): Promise<void> {
    return this.mesh.stop();
  }
}
