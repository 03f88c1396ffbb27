import type { ReceiptBundle } from '../receipts/bundle.ts';
import { fetchModule } from '../verify/modules.ts';
import { type ClientContext, type Failure, fail } from './context.ts';

/**
 * The proof of a task that this wallet paid for or objected to. With `bytes` it holds module, input
 * and output too, and proves itself without an edge for as long as the edge still has them.
 */
export async function bundleOf(
  context: ClientContext,
  id: string,
  options: { bytes?: boolean | undefined } = {},
): Promise<{ ok: true; value: ReceiptBundle } | Failure> {
  const { wallet, network, edge, modules } = context;
  const task = await wallet.task(id);
  if (task === null) return fail('task-unknown', id);
  const { receipt, manifest, cond } = task;
  if (receipt === null) return fail('receipt-missing', `task ${id} is ${task.state}`);
  const sha256 = manifest.body.module;
  const bundle: ReceiptBundle = {
    network: network.network,
    receipt,
    manifest,
    cond,
    module: { sha256 },
  };
  if (options.bytes !== true) return { ok: true, value: bundle };
  const module = await fetchModule(edge, modules, sha256);
  if (!module.ok) return module;
  const input = await edge.getBlob(manifest.body.input);
  const output = await edge.getBlob(receipt.body.output);
  return {
    ok: true,
    value: {
      ...bundle,
      module: { sha256, bytes: module.value },
      // What is gone is left out: the bundle says so by its hash.
      ...(input.ok ? { input: input.value } : {}),
      ...(output.ok ? { output: output.value } : {}),
    },
  };
}
