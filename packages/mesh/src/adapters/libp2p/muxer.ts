import type { Connection, StreamMuxerFactory } from '@libp2p/interface';
import { yamux } from '@libp2p/yamux';

type Muxer = ReturnType<StreamMuxerFactory['createStreamMuxer']>;
type MakeStream = (...args: unknown[]) => Windowed;

/** What is used of a yamux stream beside its interface. */
interface Windowed {
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate(): void;
}

const pings = new WeakMap<object, Pings>();

/**
 * yamux, with two things as its specification means them. As it is (@libp2p/yamux 8.0) every piece
 * of data is answered with a window update, a frame and a packet of its own, however much room is
 * left: here it is once half of the window is used. And an answer to a ping that comes late ends
 * the connection: here it is nobody's fault.
 */
export function thriftyYamux(init: Parameters<typeof yamux>[0]): () => StreamMuxerFactory {
  const make = yamux(init);
  return () => {
    const factory = make();
    const create = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const muxer = create(connection);
      const makeStream = methodOf<MakeStream>(muxer, '_newStream');
      Reflect.set(muxer, '_newStream', (...args: unknown[]) => thrifty(makeStream(...args)));
      pings.set(muxer, new Pings(muxer));
      return muxer;
    };
    return factory;
  };
}

/** Asks whether the other end of a connection is there; false when `signal` ends the waiting. */
export function pingOver(connection: Connection, signal: AbortSignal): Promise<boolean> {
  const muxer: unknown = Reflect.get(connection, 'muxer');
  const own = typeof muxer === 'object' && muxer !== null ? pings.get(muxer) : undefined;
  if (own === undefined) throw new Error('a connection has no muxer where it had one');
  return own.ping(signal);
}

/** Pings of the muxer itself (yamux, "Ping"): a frame each way, no stream and nothing to agree on. */
class Pings {
  readonly #send: (id: number) => void;
  readonly #waiting = new Map<number, () => void>();
  #next: number;

  constructor(muxer: Muxer) {
    this.#next = 0;
    this.#send = methodOf(muxer, 'sendPing');
    Reflect.set(muxer, 'handlePingResponse', (id: number) => this.#waiting.get(id)?.());
  }

  ping(signal: AbortSignal): Promise<boolean> {
    const id = this.#next;
    this.#next = (id + 1) >>> 0;
    return new Promise((resolve) => {
      const end = (isAnswered: boolean): void => {
        this.#waiting.delete(id);
        signal.removeEventListener('abort', late);
        resolve(isAnswered);
      };
      const late = (): void => end(false);
      if (signal.aborted) return end(false);
      this.#waiting.set(id, () => end(true));
      signal.addEventListener('abort', late);
      try {
        this.#send(id);
      } catch {
        end(false);
      }
    });
  }
}

function thrifty<S extends Windowed>(stream: S): S {
  const tell = stream.sendWindowUpdate.bind(stream);
  // The first one opens the stream, or says that it is open.
  let isFirst = true;
  stream.sendWindowUpdate = () => {
    const hasRoom = stream.recvWindowCapacity * 2 >= stream.recvWindow;
    if (hasRoom && !isFirst) return;
    isFirst = false;
    tell();
  };
  return stream;
}

function methodOf<F>(target: object, name: string): F {
  const method: unknown = Reflect.get(target, name);
  if (typeof method !== 'function') throw new Error(`yamux has no ${name} where it had one`);
  return method.bind(target);
}
