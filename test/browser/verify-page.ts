/** Runs in a page and in a worker of a browser: verifies what its server hands it and reports. */
import { type Verdict, verify } from '@zerostate/runtime';
import {
  createInProcessRerun,
  decodeBundle,
  type ReceiptVerdict,
  verifyReceipt,
} from '@zerostate/sdk';
import { createVerifier, decodeBase64url } from '@zerostate/shared';
import type { Cases, PlainCase, SignedCase } from './cases.ts';

/** What the page found, by name of the case. */
export interface Report {
  readonly agent: string;
  readonly plain: Record<string, Verdict>;
  readonly signed: Record<string, ReceiptVerdict>;
}

function bytesOf(text: string): Uint8Array {
  const bytes = decodeBase64url(text);
  if (!bytes.ok) throw new Error(`${bytes.code}: ${text.slice(0, 20)}`);
  return bytes.value;
}

async function verifyPlain({ receipt, manifest, module, input }: PlainCase) {
  return verify({ receipt, manifest, module: bytesOf(module), input: bytesOf(input) });
}

async function verifySigned({ bundle, network }: SignedCase) {
  const decoded = decodeBundle(bundle);
  if (!decoded.ok) throw new Error(decoded.detail);
  const rerun = createInProcessRerun();
  const verdict = await verifyReceipt(decoded.value, {
    network,
    verifier: createVerifier(),
    rerun,
  });
  await rerun.close();
  return verdict;
}

async function judge(): Promise<Report> {
  const answer = await fetch('/cases');
  // Checked border: the spec that serves this page wrote it.
  const cases = (await answer.json()) as Cases;
  const report: Report = { agent: navigator.userAgent, plain: {}, signed: {} };
  for (const one of cases.plain) report.plain[one.name] = await verifyPlain(one);
  for (const one of cases.signed) report.signed[one.name] = await verifySigned(one);
  return report;
}

const report = await judge().catch((error: unknown) => ({ error: String(error) }));
await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
