import { type Did, err, type Result } from '@zerostate/shared';
import { deadline } from '../deadline.ts';
import { encodeFrame, type FrameCode, FrameReader } from '../frames.ts';
import { HELLO_BYTES_MAX, HELLO_MS, HELLOS_KEPT_MAX } from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { OpenCode, PeerStream, Wire } from '../ports.ts';
import {
  decodeHello,
  encodeHello,
  FEATURES,
  type Hello,
  type HelloCode,
  type Negotiated,
  negotiate,
  VERSIONS,
} from './message.ts';

export const HELLO_PROTOCOL = '/zerostate/hello/1.0.0';
/** A peer greets once; a second stream may be there while the first ends. */
const HELLO_STREAMS_MAX = 2;

export type Greeted = Result<Negotiated, HelloCode | FrameCode | OpenCode>;

/** Greets peers and remembers what was agreed with those that are connected. */
export class Greeter {
  readonly #wire: Wire;
  readonly #ports: MeshPorts;
  readonly #network: string;
  readonly #role: Hello['role'];
  readonly #agreed = new Map<Did, Negotiated>();
  #refused: number;

  constructor(wire: Wire, ports: MeshPorts, network: string, role: Hello['role']) {
    this.#wire = wire;
    this.#ports = ports;
    this.#network = network;
    this.#role = role;
    this.#refused = 0;
  }

  async start(): Promise<void> {
    await this.#wire.handle(HELLO_PROTOCOL, HELLO_STREAMS_MAX, (stream) => this.#answer(stream));
  }

  /** What was agreed with a peer; null where nothing was yet. */
  agreed(peer: Did): Negotiated | null {
    return this.#agreed.get(peer) ?? null;
  }

  get refused(): number {
    return this.#refused;
  }

  forget(peer: Did): void {
    this.#agreed.delete(peer);
  }

  /** Greets a connected peer, unless that was done. */
  async greet(peer: Did): Promise<Greeted> {
    const known = this.#agreed.get(peer);
    if (known !== undefined) return { ok: true, value: known };
    const { signal, cancel } = deadline(this.#ports.timers, HELLO_MS);
    try {
      const opened = await this.#wire.open(peer, HELLO_PROTOCOL, signal);
      if (!opened.ok) return opened;
      const sent = await opened.value.write(this.#ours(), signal);
      if (!sent.ok) return sent;
      const greeted = await this.#read(opened.value, signal);
      if (!greeted.ok && greeted.code === 'deadline') opened.value.abort(greeted.code);
      else void opened.value.end(signal);
      return greeted;
    } finally {
      cancel();
    }
  }

  async #answer(stream: PeerStream): Promise<void> {
    const { signal, cancel } = deadline(this.#ports.timers, HELLO_MS);
    try {
      const greeted = await this.#read(stream, signal);
      if (!greeted.ok && greeted.code === 'deadline') return stream.abort(greeted.code);
      // Answered even where nothing can be agreed: the other side learns why.
      await stream.write(this.#ours(), signal);
      await stream.end(signal);
    } finally {
      cancel();
    }
  }

  async #read(stream: PeerStream, signal: AbortSignal): Promise<Greeted> {
    const frame = await new FrameReader(stream).frame(HELLO_BYTES_MAX, signal);
    if (!frame.ok) return this.#refuse(stream.peer, frame);
    const theirs = decodeHello(frame.value);
    if (!theirs.ok) return this.#refuse(stream.peer, theirs);
    const agreed = negotiate(this.#hello(), theirs.value, this.#ports.clock.now());
    if (!agreed.ok) return this.#refuse(stream.peer, agreed);
    if (this.#agreed.size < HELLOS_KEPT_MAX) this.#agreed.set(stream.peer, agreed.value);
    return agreed;
  }

  #refuse<C extends HelloCode | FrameCode>(peer: Did, why: { code: C; detail?: string }): Greeted {
    this.#refused += 1;
    this.#ports.log.warn('peer not greeted', { peer, code: why.code, detail: why.detail ?? '' });
    return err(why.code, why.detail);
  }

  #hello(): Hello {
    return {
      versions: VERSIONS,
      network: this.#network,
      role: this.#role,
      features: FEATURES,
      now: this.#ports.clock.now(),
    };
  }

  #ours(): Uint8Array {
    return encodeFrame(encodeHello(this.#hello()));
  }
}
