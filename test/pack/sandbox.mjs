/** The sandbox as installed: a process of its own runs the module. Node only. */
import { readFile } from 'node:fs/promises';
import { createSandbox } from '@zerostate/runtime/sandbox';

const [, , wasm = ''] = process.argv;
const sandbox = await createSandbox({ workers: 1 });
const result = await sandbox.run({
  wasm: new Uint8Array(await readFile(wasm)),
  call: { abi: 'call', fn: 'hello', args: [] },
  limits: { gasMax: 1_000_000n, pagesMax: 16, wallMsMax: 5_000, outputMax: 4_096 },
  taskId: 'a task',
});
await sandbox.close();
console.log(result.ok ? new TextDecoder().decode(result.outcome.output) : JSON.stringify(result));
