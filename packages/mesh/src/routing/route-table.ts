import type { Did } from '@zerostate/shared';
import type { Health, HealthState } from '../health/score.ts';
import { ROUTING_LIMITS } from './limits.ts';
import type { Candidate, Router } from './router.ts';

/** One neighbour's claim to be the next hop to a destination. */
export interface RouteCandidate {
  did: Did;
  /** From the neighbour to the destination; null when it knows no way. */
  hops: number | null;
  /** What the way by it is estimated to take, ms; null without a way. */
  estimatedMs: number | null;
  why: Candidate['why'];
}

export interface Route {
  did: Did;
  /** Null while no way is known. */
  hops: number | null;
  next: Did | null;
  /** `neighbour`: the destination itself. `only-way`: nobody else knows one that is near enough.
   * `least-time`: the best of several. `too-far`: over the hops an envelope may take. */
  why: 'neighbour' | 'only-way' | 'least-time' | 'too-far' | 'no-way';
  candidates: RouteCandidate[];
}

export interface RouteNeighbour {
  did: Did;
  /** False after a send to it failed, until it is heard again. */
  isAlive: boolean;
  /** How long an envelope waits there, as it last said, ms. */
  waitMs: number;
  /** Null before the first answer to a probe. */
  rttMs: number | null;
  health: HealthState | null;
}

/** What a node knows of the ways to others. */
export interface RouteTable {
  self: Did;
  neighbours: RouteNeighbour[];
  /** Nearest first. */
  destinations: Route[];
}

/** The table as it stands now; of one destination when `to` names it. */
export function routeTable(
  self: Did,
  router: Router,
  health: (peer: Did) => Health | null,
  to?: Did,
): RouteTable {
  const neighbours = router.neighbours().map(({ peer, alive, waitMs }) => {
    const { rttMs = null, state = null } = health(peer) ?? {};
    return { did: peer, isAlive: alive, waitMs, rttMs, health: state };
  });
  const asked = to === undefined ? router.reachable() : [to];
  const destinations = asked.map((did) => routeTo(router, did));
  destinations.sort((x, y) => (x.hops ?? 0) - (y.hops ?? 0) || (x.did < y.did ? -1 : 1));
  return { self, neighbours, destinations };
}

function routeTo(router: Router, did: Did): Route {
  const { hops, candidates } = router.explain(did) ?? {
    hops: ROUTING_LIMITS.distanceInfinite,
    candidates: [],
  };
  const next = candidates.find(({ why }) => why === 'next') ?? null;
  const rivals = candidates.filter(({ why }) => why === 'costlier').length;
  return {
    did,
    hops: hops < ROUTING_LIMITS.distanceInfinite ? hops : null,
    next: next?.peer ?? null,
    why: whyOf(did, hops, next, rivals),
    candidates: candidates.map(({ peer, hops: far, costMs, why }) => {
      const isKnown = far < ROUTING_LIMITS.distanceInfinite;
      const [hops, estimatedMs] = isKnown ? [far, costMs] : [null, null];
      return { did: peer, hops, estimatedMs, why };
    }),
  };
}

function whyOf(did: Did, hops: number, next: Candidate | null, rivals: number): Route['why'] {
  if (next === null) return 'no-way';
  if (next.peer === did) return 'neighbour';
  if (hops > ROUTING_LIMITS.hopsMax) return 'too-far';
  return rivals === 0 ? 'only-way' : 'least-time';
}
