import type { MultiaddrConnection } from '@libp2p/interface';
import { isCircuit } from './identity.ts';

type Upgrade = (connection: MultiaddrConnection, options: never) => Promise<unknown>;
type SendData = (data: Pieces) => unknown;

/** What libp2p hands a transport: the length of a frame, what is in it, and so on, one by one. */
interface Pieces extends Iterable<Uint8Array> {
  readonly byteLength: number;
  subarray(): Uint8Array;
}

interface Upgraded {
  upgrader: { upgradeInbound: Upgrade; upgradeOutbound: Upgrade };
}

/**
 * Frames that are written as one. As they are (@libp2p/tcp 11, @libp2p/websockets 10), transports
 * write each piece by itself: two calls of the system, and two packets, for the two bytes of a
 * frame's length and for the frame.
 */
export function wholeWrites(): (components: Upgraded) => object {
  return ({ upgrader }) => {
    for (const name of ['upgradeInbound', 'upgradeOutbound'] as const) {
      const upgrade = upgrader[name].bind(upgrader);
      upgrader[name] = (connection, options) => upgrade(writingWhole(connection), options);
    }
    return {};
  };
}

function writingWhole(connection: MultiaddrConnection): MultiaddrConnection {
  // Over a relay a frame is in the frames of the connection to it, which are written whole.
  if (isCircuit(connection.remoteAddr)) return connection;
  const send: unknown = Reflect.get(connection, 'sendData');
  if (typeof send !== 'function') throw new Error('a connection has no sendData where it had one');
  const sendData: SendData = send.bind(connection);
  Reflect.set(connection, 'sendData', (data: Pieces) => {
    const whole = data.subarray();
    return sendData({
      byteLength: whole.byteLength,
      [Symbol.iterator]: () => [whole].values(),
      subarray: () => whole,
    });
  });
  return connection;
}
