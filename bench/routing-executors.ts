import { type PeerCandidate, PeerChoice } from '@zerostate/shared';
import { seeded } from './routing-topology.ts';

/** How a caller picks, and what it hears back. Times in ms. */
interface Chooser {
  choose(candidates: readonly PeerCandidate[]): string;
  started(did: string): void;
  ended(did: string, task: { ms: number; queueDepth: number; good: boolean }): void;
}

export type ChooserName = 'bandit' | 'p2c' | 'random' | 'greedy-average';

const EXECUTORS = 32;
const CALLERS = 16;
const SECONDS = 120;
/** ms between two advertisements of a queue. */
const ADVERTISED_EVERY_MS = 1_000;
/** ms of service of a middling executor; one in four is 4 times slower, one in four twice as fast. */
const SERVICE_MS = 100;

/** Mean time from asking to result, ms, of callers that all choose as `name` and ask
 * for `load` (0 to 1) of all executors' capacity. */
export function meanResponseMs(name: ChooserName, load: number, seed: number): number {
  const random = seeded(seed);
  const dids = Array.from({ length: EXECUTORS }, (_, at) => `${at}`);
  const service = dids.map((_, at) => SERVICE_MS * (at % 4 === 0 ? 4 : at % 4 === 1 ? 0.5 : 1));
  const capacityPerMs = service.reduce((sum, ms) => sum + 1 / ms, 0);
  const choosers = Array.from({ length: CALLERS }, () => chooser(name, random));
  const freeAt = dids.map(() => 0);
  const finishes: { at: number; tell: () => void }[] = [];
  let advertised: PeerCandidate[] = dids.map((did) => ({ did, queueDepth: 0 }));
  const underWay = dids.map(() => 0);
  let nextAdvert = 0;
  let sum = 0;
  let count = 0;
  for (let now = 0; now < SECONDS * 1_000; ) {
    now += -Math.log(1 - random()) / (capacityPerMs * load);
    while ((finishes[0]?.at ?? Number.POSITIVE_INFINITY) <= now) finishes.shift()?.tell();
    if (now >= nextAdvert) {
      advertised = dids.map((did, at) => ({ did, queueDepth: underWay[at] ?? 0 }));
      nextAdvert = now + ADVERTISED_EVERY_MS;
    }
    const caller = choosers[Math.floor(random() * CALLERS)];
    const did = caller?.choose(advertised) ?? '0';
    const at = Number(did);
    const ms = -Math.log(1 - random()) * (service[at] ?? 0);
    const end = Math.max(now, freeAt[at] ?? 0) + ms;
    freeAt[at] = end;
    underWay[at] = (underWay[at] ?? 0) + 1;
    caller?.started(did);
    const asked = now;
    const queueDepth = advertised[at]?.queueDepth ?? 0;
    insert(finishes, {
      at: end,
      tell: () => {
        underWay[at] = (underWay[at] ?? 0) - 1;
        caller?.ended(did, { ms: end - asked, queueDepth, good: true });
      },
    });
    sum += end - now;
    count += 1;
  }
  return sum / count;
}

/** Keeps `finishes` in the order of time. */
function insert<T extends { at: number }>(finishes: T[], finish: T): void {
  let low = 0;
  let high = finishes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((finishes[middle]?.at ?? 0) <= finish.at) low = middle + 1;
    else high = middle;
  }
  finishes.splice(low, 0, finish);
}

function chooser(name: ChooserName, random: () => number): Chooser {
  if (name === 'bandit') {
    const bandit = new PeerChoice({ random, failureCostMs: 10_000 });
    return {
      choose: (candidates) => bandit.choose(candidates) ?? '0',
      started: (did) => bandit.started(did),
      ended: (did, task) => bandit.ended(did, task),
    };
  }
  const quiet = { started: () => undefined, ended: () => undefined };
  const anyOf = (candidates: readonly PeerCandidate[]): PeerCandidate =>
    candidates[Math.floor(random() * candidates.length)] ?? { did: '0', queueDepth: 0 };
  if (name === 'random') return { ...quiet, choose: (candidates) => anyOf(candidates).did };
  if (name === 'p2c') {
    return {
      ...quiet,
      choose: (candidates) => {
        const [a, b] = [anyOf(candidates), anyOf(candidates)];
        return a.queueDepth <= b.queueDepth ? a.did : b.did;
      },
    };
  }
  return greedyAverage();
}

/** The least average response time seen so far, whatever the queue says. */
function greedyAverage(): Chooser {
  const means = new Map<string, number>();
  return {
    choose: (candidates) => {
      const cost = ({ did }: PeerCandidate): number => means.get(did) ?? 0;
      return candidates.reduce((best, next) => (cost(next) < cost(best) ? next : best)).did;
    },
    started: () => undefined,
    ended: (did, { ms }) => means.set(did, 0.8 * (means.get(did) ?? ms) + 0.2 * ms),
  };
}
