/**
 * Makes hnswlib-wasm 0.8.2 load on Node, Bun, Deno and workerd: as published it stops on each of
 * them. Five edits of its Emscripten glue, each of which must match, and the embedded binary put
 * beside it as a file. Writes dist/hnswlib/hnswlib.mjs and hnswlib.wasm.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const VERSION = '0.8.2';
const EMBEDDED = /data:application\/octet-stream;base64,([A-Za-z0-9+/=]+)/;

/** Replaces a text that must be there; an upgrade that moved it fails here, not at run time. */
function replace(source: string, from: string, to: string): string {
  if (!source.includes(from)) throw new Error(`hnswlib-wasm changed: no ${from.slice(0, 60)}`);
  return source.replaceAll(from, () => to);
}

/** The glue without what browsers have and other runtimes do not. */
export function patchGlue(published: string): string {
  let glue = published;
  const stop = "if (!(typeof window == 'object' || typeof importScripts == 'function')) throw";
  glue = replace(glue, stop, 'if (false) throw');
  glue = replace(glue, 'var _scriptDir = import.meta.url;', "var _scriptDir = '';");
  glue = withoutIndexedDb(glue);
  glue = replace(glue, 'function run() {', `${EXPOSE_FILES}\nfunction run() {`);
  glue = replace(glue, 'return newFunc(Function, args1).apply(null, args2);', INVOKER);
  const method = 'var invokerFunction = newFunc(Function, params).apply(null, args);';
  return replace(glue, method, METHOD_INVOKER);
}

/** Files live in memory; there is nothing to synchronise. */
function withoutIndexedDb(glue: string): string {
  const mount =
    'FS.mkdir(jsAllocatedDir); FS.mount(IDBFS, {}, jsAllocatedDir); ' +
    "console.log('EmscriptenFileSystemManager: Mounting IDBFS filesystem...\\n');";
  const memory = replace(glue, mount, 'FS.mkdir(jsAllocatedDir);');
  const sync = /function syncIdb_js\([^\n]*\n/;
  if (!sync.test(memory)) throw new Error('hnswlib-wasm changed: no syncIdb_js');
  const done = 'function syncIdb_js(populateFromFS) { Module.setIdbfsSynced?.(true); }\n';
  return memory.replace(sync, () => done);
}

const EXPOSE_FILES = "Object.defineProperty(Module, 'memfs', { value: FS });";

/** What Emscripten would have generated with `new Function`, which workerd forbids. */
const INVOKER = `
  var argumentCount = argCount - 2, returnType = argTypes[0], classType = argTypes[1];
  return function () {
    if (arguments.length !== argumentCount) {
      throwBindingError('function ' + humanName + ' called with ' + arguments.length +
        ' arguments, expected ' + argumentCount + ' args!');
    }
    var destructors = needsDestructorStack ? [] : null, wired = [cppTargetFunc];
    if (isClassMethodFunc) wired.push(classType.toWireType(destructors, this));
    for (var i = 0; i < argumentCount; ++i) {
      wired.push(argTypes[i + 2].toWireType(destructors, arguments[i]));
    }
    var result = cppInvokerFunc.apply(null, wired);
    if (needsDestructorStack) runDestructors(destructors);
    else for (var i = isClassMethodFunc ? 1 : 2; i < argTypes.length; ++i) {
      var used = wired[isClassMethodFunc ? i : i - 1];
      if (argTypes[i].destructorFunction !== null) argTypes[i].destructorFunction(used);
    }
    if (returns) return returnType.fromWireType(result);
  };`;

const METHOD_INVOKER = `
  var offsets = [], offset = 0;
  for (var i = 0; i < argCount - 1; ++i) {
    offsets.push(offset);
    offset += types[i + 1]['argPackAdvance'];
  }
  var invokerFunction = function (handle, name, destructors, args) {
    var given = [];
    for (var i = 0; i < argCount - 1; ++i) {
      given.push(types[i + 1].readValueFromPointer(args + offsets[i]));
    }
    var result = handle[name].apply(handle, given);
    for (var i = 0; i < argCount - 1; ++i) {
      if (types[i + 1]['deleteObject']) types[i + 1].deleteObject(given[i]);
    }
    if (!retType.isVoid) return retType.toWireType(destructors, result);
  };`;

/** Builds into `target` from the installed package. */
export function buildHnswlib(target: URL): void {
  const require = createRequire(import.meta.url);
  const root = new URL('./', pathToFileURL(require.resolve('hnswlib-wasm/package.json')));
  const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  const version = (manifest as { version?: unknown }).version;
  if (version !== VERSION) throw new Error(`hnswlib-wasm ${VERSION} is wanted, not ${version}`);
  const published = readFileSync(new URL('lib/hnswlib.mjs', root), 'utf8');
  const [embedded, binary] = EMBEDDED.exec(published) ?? [];
  if (embedded === undefined || binary === undefined) throw new Error('no embedded binary');
  mkdirSync(target, { recursive: true });
  writeFileSync(new URL('hnswlib.wasm', target), Buffer.from(binary, 'base64'));
  const glue = patchGlue(replace(published, embedded, 'hnswlib.wasm'));
  writeFileSync(new URL('hnswlib.mjs', target), `// Generated by build-hnswlib.ts.\n${glue}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  buildHnswlib(new URL('../dist/hnswlib/', import.meta.url));
}
