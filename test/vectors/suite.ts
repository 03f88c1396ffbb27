import { Checks, type ReadVector } from './checks/check.ts';
import { checkEd25519 } from './checks/ed25519.ts';
import { checkEddsaJcs } from './checks/eddsa-jcs.ts';
import { checkForgeries } from './checks/forgeries.ts';
import { checkJcs } from './checks/jcs.ts';

export type { ReadVector } from './checks/check.ts';

/** What a run found: equal on every runtime, with nothing failed. */
export type VectorReport = { passed: number; failed: string[] };

/**
 * Runs every vector and forgery on the runtime it is called in. `read` gives the text of a file
 * by its path below this folder; `forgeries` is how many of each kind are made.
 */
export async function runVectorSuite(
  read: ReadVector,
  options: { forgeries?: number } = {},
): Promise<VectorReport> {
  const checks = new Checks();
  await checkJcs(checks, read);
  await checkEddsaJcs(checks, read);
  await checkEd25519(checks, read);
  await checkForgeries(checks, options.forgeries ?? 100);
  return { passed: checks.passed, failed: checks.failed };
}
