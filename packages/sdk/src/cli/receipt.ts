import { createVerifier, fromUtf8, networkId } from '@zerostate/shared';
import type { Command } from 'commander';
import { createSandboxRerun } from '../adapters/sandbox-rerun.ts';
import { createEdgeClient } from '../edge-client.ts';
import { decodeBundle, type UncheckedBundle } from '../receipts/bundle.ts';
import { type ReceiptVerdict, verifyReceipt } from '../receipts/verify-receipt.ts';
import { formatUnits } from '../units.ts';
import { CommandFailure, orFail } from './exit.ts';
import { readInput, show, type Terminal } from './io.ts';
import { type CommonOptions, commonOptions } from './session.ts';

export function addReceipt(program: Command, terminal: Terminal): void {
  const receipt = program.command('receipt').description('check what an executor did');
  receipt
    .command('verify')
    .description('check a receipt bundle: signatures, order, price, and the run itself')
    .argument('<bundle>', 'file written by zs run --bundle; - for standard input')
    .addHelpText(
      'after',
      `
Missing bytes are fetched from the edge by their hash. The exit code is 0 only for a valid receipt.

Examples:
  zs receipt verify proof.json
  zs receipt verify - --json < proof.json`,
    )
    .action(async (path: string, _flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      const text = fromUtf8(await readInput(terminal, path));
      if (!text.ok) throw new CommandFailure('bundle-invalid', `${path} is not UTF-8`);
      const bundle = orFail(decodeBundle(text.value));
      const verdict = await check(common, bundle);
      show(terminal, common.json, verdict, () => textOf(verdict));
      if (verdict.verdict !== 'valid') {
        const reason = verdict.reason ?? 'no reason';
        throw new CommandFailure(`receipt-${verdict.verdict}`, `${verdict.verdict}: ${reason}`);
      }
    });
}

async function check(common: CommonOptions, bundle: UncheckedBundle): Promise<ReceiptVerdict> {
  const edge = createEdgeClient({ url: common.edge });
  const rerun = createSandboxRerun();
  try {
    return await verifyReceipt(bundle, {
      network: bundle.network ?? (await networkOf(common)),
      verifier: createVerifier(),
      rerun,
      fetchBytes: (hash) => edge.getBlob(hash),
    });
  } finally {
    await rerun.close();
  }
}

async function networkOf({ edge }: CommonOptions): Promise<string> {
  const { genesis } = orFail(await createEdgeClient({ url: edge }).network());
  return networkId(genesis);
}

function textOf({ verdict, reason, checked, receipt }: ReceiptVerdict): string {
  const lines = [verdict + (reason === undefined ? '' : `: ${reason}`)];
  lines.push(`checked  ${checked.join(', ') || 'nothing'}`);
  if (receipt !== undefined) {
    const { body } = receipt;
    lines.push(`receipt  ${receipt.id}`, `executor ${body.executor}`, `status   ${body.status}`);
    lines.push(`price    ${formatUnits(BigInt(body.price))}`, `gas      ${body.gas}`);
  }
  return `${lines.join('\n')}\n`;
}
