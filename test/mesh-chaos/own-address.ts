/**
 * Loaded before a node's own code (`--import`): its connections come from an address of its own on
 * loopback, as those of a machine would, so that the switchboard knows whose they are.
 */
import { Socket } from 'node:net';

const OWN = process.env.ZS_TEST_ADDRESS ?? '';
const connect: unknown = Reflect.get(Socket.prototype, 'connect');

function connectFromOwn(this: Socket, ...args: unknown[]): unknown {
  // net.connect() hands over its options inside of an array.
  const [first] = args;
  const options: unknown = Array.isArray(first) ? first[0] : first;
  const isTcp = typeof options === 'object' && options !== null && Reflect.has(options, 'port');
  if (isTcp) Reflect.set(options, 'localAddress', OWN);
  if (typeof connect !== 'function') throw new Error('sockets do not connect');
  return Reflect.apply(connect, this, args);
}

Reflect.set(Socket.prototype, 'connect', connectFromOwn);
