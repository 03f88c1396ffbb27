/** What this package uses of hnswlib-wasm. */
export interface HnswlibGraph {
  initIndex(capacity: number, fan: number, buildBreadth: number, seed: number): void;
  addPoint(point: Float32Array, label: number, replaceDeleted: boolean): void;
  searchKnn(
    query: Float32Array,
    k: number,
    filter: ((label: number) => boolean) | undefined,
  ): { neighbors: number[]; distances: number[] };
  setEfSearch(ef: number): void;
  getCurrentCount(): number;
  writeIndex(file: string): void;
  readIndex(file: string, capacity: number): void;
}

/** An instance of hnswlib-wasm with its file system in memory. */
export interface HnswlibModule {
  readonly HierarchicalNSW: new (space: 'cosine', dims: number, file: string) => HnswlibGraph;
  readonly EmscriptenFileSystemManager: { initializeFileSystem(kind: 'IDBFS'): void };
  readonly memfs: {
    readFile(path: string): Uint8Array;
    writeFile(path: string, bytes: Uint8Array): void;
    unlink(path: string): void;
  };
}

/** The default export of `dist/hnswlib/hnswlib.mjs`, which `npm run build:hnswlib` makes. */
export type HnswlibFactory = (options: {
  instantiateWasm(
    imports: WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): object;
}) => Promise<HnswlibModule>;

/** Starts hnswlib-wasm from a compiled module: nothing is fetched and nothing is compiled. */
export async function startHnswlib(
  factory: HnswlibFactory,
  module: WebAssembly.Module,
): Promise<HnswlibModule> {
  const started = await factory({
    instantiateWasm: (imports, receive) => {
      const instance = new WebAssembly.Instance(module, imports);
      receive(instance, module);
      return instance.exports;
    },
  });
  started.EmscriptenFileSystemManager.initializeFileSystem('IDBFS');
  return started;
}
