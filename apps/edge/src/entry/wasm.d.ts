/** Workers import compiled modules: https://developers.cloudflare.com/workers/runtime-apis/webassembly/ */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
