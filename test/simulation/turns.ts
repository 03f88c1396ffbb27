/**
 * What makes a run repeatable: the few things that Node answers whenever a thread of its own is
 * ready are answered at once instead, in the order in which they are asked. The algorithms stay
 * Node's own: WebCrypto becomes node:crypto, which is the same OpenSSL, and WebAssembly.compile
 * becomes the constructor of WebAssembly.Module, files are read at once. `setImmediate`, by which databases collect
 * what is written together, becomes a queue that `quiesce` empties.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const realImmediate = globalThis.setImmediate;
const waiting: (() => void)[] = [];
/** Microtasks and ticks of Node are done when a turn of the real loop comes back. */
const turn = (): Promise<void> => new Promise((resolve) => realImmediate(resolve));

/** Resolves when nothing is left to do but to wait for time or for a message. */
export async function quiesce(): Promise<void> {
  for (;;) {
    await turn();
    const next = waiting.shift();
    if (next === undefined) return;
    next();
  }
}

/** RFC 8410: SubjectPublicKeyInfo {{id-Ed25519}, BIT STRING (32 bytes)} without the key. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

function keyOf(format: string, data: Uint8Array): KeyObject {
  const key = Buffer.from(data);
  return format === 'pkcs8'
    ? createPrivateKey({ key, format: 'der', type: 'pkcs8' })
    : createPublicKey({ key: Buffer.concat([SPKI_HEAD, key]), format: 'der', type: 'spki' });
}

const subtle = {
  digest: async (name: string | { name: string }, data: Uint8Array): Promise<ArrayBuffer> => {
    const algorithm = (typeof name === 'string' ? name : name.name).replace('-', '');
    return new Uint8Array(createHash(algorithm).update(data).digest()).buffer;
  },
  importKey: async (format: string, data: Uint8Array): Promise<KeyObject> => keyOf(format, data),
  sign: async (_: string, key: KeyObject, data: Uint8Array): Promise<ArrayBuffer> =>
    new Uint8Array(sign(null, data, key)).buffer,
  verify: async (_: string, key: KeyObject, signature: Uint8Array, data: Uint8Array) =>
    verify(null, data, key, signature),
};

/** Takes the place of Node's own until the result is called. */
export function ruleTurns(): () => void {
  const before = {
    crypto: Object.getOwnPropertyDescriptor(globalThis, 'crypto'),
    compile: WebAssembly.compile,
    readFile: fs.promises.readFile,
  };
  const readFile = async (path: string, options?: BufferEncoding) =>
    options === undefined ? fs.readFileSync(path) : fs.readFileSync(path, options);
  Object.assign(fs.promises, { readFile });
  syncBuiltinESMExports();
  Object.defineProperty(globalThis, 'crypto', { configurable: true, value: { subtle } });
  WebAssembly.compile = async (bytes) => new WebAssembly.Module(bytes);
  Object.assign(globalThis, {
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) => {
      waiting.push(() => run(...args));
    },
  });
  return () => {
    Object.assign(globalThis, { setImmediate: realImmediate });
    Object.assign(fs.promises, { readFile: before.readFile });
    syncBuiltinESMExports();
    WebAssembly.compile = before.compile;
    if (before.crypto !== undefined) Object.defineProperty(globalThis, 'crypto', before.crypto);
  };
}
