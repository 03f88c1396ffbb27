import { learn, PeerChoice, type PeerOutcome } from '@zerostate/shared';
import type { Clock, Database, Rng } from '../ports.ts';
import { FAILURE_COST_MS, FORGIVE_HALF_LIFE_MS } from './limits.ts';
import { type Gateway, readRecord, recordUpsert } from './store.ts';

/** A bandit that knows what the directory remembers of these gateways. */
export function gatewayChoice(
  { clock, rng }: { clock: Clock; rng: Rng },
  gateways: readonly Gateway[],
): PeerChoice {
  const choice = new PeerChoice({
    random: () => uniform(rng),
    failureCostMs: FAILURE_COST_MS,
    forgive: { halfLifeMs: FORGIVE_HALF_LIFE_MS, now: () => clock.now() },
  });
  for (const { did, record, underWay } of gateways) choice.recall(did, record, underWay);
  return choice;
}

/** Two workers that learn at once lose one of the two: these are estimates. */
export async function learnOf(
  directory: Database,
  gateway: string,
  outcomes: readonly PeerOutcome[],
): Promise<void> {
  let record = await readRecord(directory, gateway);
  for (const outcome of outcomes) record = learn(record, outcome);
  await directory.batch([recordUpsert(gateway, record)]);
}

function uniform(rng: Rng): number {
  return new DataView(rng.bytes(4).buffer).getUint32(0) / 2 ** 32;
}
