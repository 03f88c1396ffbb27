import type { TaskManifest, TaskTerms } from '@zerostate/shared';
import type { SandboxTask } from '../ports.ts';

/** What a manifest asks of the sandbox. */
export function sandboxTask(
  wasm: Uint8Array,
  asked: { task: TaskTerms; manifest: TaskManifest },
  input: Uint8Array,
): SandboxTask {
  const { task, manifest } = asked;
  const { abi, fn, args } = manifest;
  return {
    wasm,
    call: abi === 'wasi' ? { abi, args, stdin: input } : { abi, fn, args },
    limits: {
      gasMax: task.gasMax,
      pagesMax: Number(task.pagesMax),
      wallMsMax: task.wallMsMax,
      outputMax: Number(task.outputMax),
    },
    taskId: task.id,
  };
}
