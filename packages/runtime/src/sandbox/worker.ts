import { decodeReply, LENGTH_BYTES, type ReplyFrame } from './frames.ts';
import type { SandboxPorts, WorkerProcess } from './ports.ts';

/** Bytes of a reply beside output and standard error. */
const REPLY_SLACK_BYTES = 64 * 1024;

export interface WorkerEvents {
  reply(frame: ReplyFrame): void;
  /** The process is gone or was given up; it is never used again. */
  gone(reason: string): void;
}

/** One worker process as the pool sees it: frames in, frames out, gone once. */
export class Worker {
  private readonly process: WorkerProcess;
  private readonly events: WorkerEvents;
  private pieces: Uint8Array[] = [];
  private received = 0;
  private replyBytesMax = REPLY_SLACK_BYTES;
  private alive: boolean = true;
  /** Fulfilled when the system has ended the process. */
  readonly exited: Promise<void>;

  constructor(ports: SandboxPorts, events: WorkerEvents) {
    this.events = events;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.exited = promise;
    this.process = ports.spawn({
      data: (chunk) => this.receive(chunk),
      exit: (reason) => {
        resolve();
        this.giveUp(reason);
      },
    });
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Sends a job; `resultBytesMax` is what its output and standard error may have at most. */
  send(frame: Uint8Array, resultBytesMax: number): void {
    this.replyBytesMax = resultBytesMax + REPLY_SLACK_BYTES;
    this.process.write(frame);
  }

  /** Kills the process; `gone` is called at once, not when the system is done with it. */
  giveUp(reason: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.process.kill();
    this.events.gone(reason);
  }

  /** Lets an idle process end by itself. */
  end(): void {
    this.alive = false;
    this.process.end();
  }

  private receive(chunk: Uint8Array): void {
    if (!this.alive) return;
    this.pieces.push(chunk);
    this.received += chunk.length;
    if (this.received > this.replyBytesMax) {
      this.giveUp('reply over its limit');
      return;
    }
    for (let frame = this.takeFrame(); frame !== undefined; frame = this.takeFrame()) {
      this.deliver(frame);
    }
  }

  private deliver(frame: Uint8Array): void {
    let reply: ReplyFrame;
    try {
      reply = decodeReply(frame);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.giveUp('reply that cannot be read');
      return;
    }
    this.events.reply(reply);
  }

  /** The next whole frame without its length, or undefined until more has come. */
  private takeFrame(): Uint8Array | undefined {
    if (this.received < LENGTH_BYTES) return undefined;
    const bytes = this.joined();
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const end = LENGTH_BYTES + length;
    if (end > this.replyBytesMax) {
      this.giveUp('reply over its limit');
      return undefined;
    }
    if (bytes.length < end) return undefined;
    this.pieces = bytes.length > end ? [bytes.subarray(end)] : [];
    this.received = bytes.length - end;
    return bytes.subarray(LENGTH_BYTES, end);
  }

  private joined(): Uint8Array {
    const [only] = this.pieces;
    if (only !== undefined && this.pieces.length === 1) return only;
    const bytes = new Uint8Array(this.received);
    let at = 0;
    for (const piece of this.pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.pieces = [bytes];
    return bytes;
  }
}
