/** What `assembly/engine.ts` exports; see there for the meaning of each call. */
export interface EngineExports {
  readonly memory: WebAssembly.Memory;
  configure(capacity: number, dims: number, fan: number, buildBreadth: number): number;
  inputAddress(): number;
  outputAddress(): number;
  allowedAddress(): number;
  removedAddress(): number;
  upperAddress(): number;
  segmentsAddress(): number;
  segmentBytes(): number;
  upperListBytes(): number;
  vectorAddress(slot: number): number;
  count(): number;
  linked(): number;
  entry(): number;
  topLevel(): number;
  upperUsed(): number;
  add(): number;
  remove(slot: number): void;
  link(limit: number): number;
  allow(): number;
  scan(k: number, from: number): number;
  search(k: number, breadth: number): number;
  searchFiltered(k: number, breadth: number): number;
  measure(size: number): void;
  restore(
    count: number,
    linked: number,
    entry: number,
    topLevel: number,
    upperUsed: number,
  ): number;
  fault(): number;
  checksum(address: number, length: number, seed: bigint): bigint;
}

const NAMES = [
  'configure',
  'inputAddress',
  'outputAddress',
  'allowedAddress',
  'removedAddress',
  'upperAddress',
  'segmentsAddress',
  'segmentBytes',
  'upperListBytes',
  'vectorAddress',
  'count',
  'linked',
  'entry',
  'topLevel',
  'upperUsed',
  'add',
  'remove',
  'link',
  'allow',
  'scan',
  'search',
  'searchFiltered',
  'measure',
  'restore',
  'fault',
  'checksum',
];

/** Instantiates the engine's module; a module that is not the engine throws. */
export function instantiate(module: WebAssembly.Module): EngineExports {
  const { exports } = new WebAssembly.Instance(module, {});
  const complete =
    exports.memory instanceof WebAssembly.Memory &&
    NAMES.every((name) => typeof exports[name] === 'function');
  if (!complete) throw new TypeError('not the int8-hnsw module');
  return exports as unknown as EngineExports;
}
