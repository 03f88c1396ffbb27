/** What `assembly/use-lite/encoder.ts` exports; see there for the meaning of each call. */
export interface Kernel {
  readonly memory: WebAssembly.Memory;
  imageAddress(): number;
  imageBytes(): number;
  stagingAddress(): number;
  stagingBytes(): number;
  idsAddress(): number;
  sentenceAddress(): number;
  vectorAddress(): number;
  unpack(groups: number, to: number): void;
  start(): number;
  begin(): void;
  add(count: number): void;
  finish(): void;
}

const NAMES = [
  'imageAddress',
  'imageBytes',
  'stagingAddress',
  'stagingBytes',
  'idsAddress',
  'sentenceAddress',
  'vectorAddress',
  'unpack',
  'start',
  'begin',
  'add',
  'finish',
];

/** The custom section in which the build leaves the SHA-256 of the module's other bytes. */
export const DIGEST_SECTION = 'zerostate.sha256';

/** A fresh instance with its own memory; a module that is not the kernel throws. */
export function instantiate(module: WebAssembly.Module): Kernel {
  const { exports } = new WebAssembly.Instance(module, {});
  const complete =
    exports.memory instanceof WebAssembly.Memory &&
    NAMES.every((name) => typeof exports[name] === 'function');
  if (!complete) throw new TypeError('not the use-lite module');
  return exports as unknown as Kernel;
}

/** Names the module's code; a module that the build did not finish throws. */
export function digestOf(module: WebAssembly.Module): Uint8Array {
  const [section] = WebAssembly.Module.customSections(module, DIGEST_SECTION);
  if (section === undefined) throw new TypeError(`no section ${DIGEST_SECTION} in the module`);
  return new Uint8Array(section);
}
