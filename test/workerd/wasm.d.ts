/** What workerd and bundlers make of a WebAssembly file. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  // biome-ignore lint/style/noDefaultExport: the platform exports it so
  export default module;
}
