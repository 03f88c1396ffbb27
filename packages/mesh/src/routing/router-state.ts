import { ROUTING_LIMITS } from './limits.ts';

/** What was learned of one neighbour; times in ms. */
export interface LearnedNeighbour {
  readonly peer: string;
  readonly waitMs: number;
  readonly rests: readonly { readonly peer: string; readonly ms: number }[];
}

/** What a router keeps over a restart. */
export interface RouterState {
  readonly version: 1;
  readonly neighbours: readonly LearnedNeighbour[];
}

/** A state as it comes from a file; undefined when it is none: a router without one starts afresh. */
export function readRouterState(value: unknown): RouterState | undefined {
  if (!isRecord(value) || value.version !== 1) return undefined;
  const neighbours = list(value.neighbours, ROUTING_LIMITS.neighboursMax, readNeighbour);
  return neighbours && { version: 1, neighbours };
}

function readNeighbour(value: unknown): LearnedNeighbour | undefined {
  if (!isRecord(value)) return undefined;
  const { peer, waitMs } = value;
  const rests = list(value.rests, ROUTING_LIMITS.destinationsMax, readRest);
  if (typeof peer !== 'string' || !isTime(waitMs) || !rests) return undefined;
  return { peer, waitMs, rests };
}

function readRest(value: unknown): { peer: string; ms: number } | undefined {
  if (!isRecord(value)) return undefined;
  const { peer, ms } = value;
  return typeof peer === 'string' && isTime(ms) ? { peer, ms } : undefined;
}

function list<T>(
  value: unknown,
  lengthMax: number,
  read: (item: unknown) => T | undefined,
): T[] | undefined {
  if (!Array.isArray(value) || value.length > lengthMax) return undefined;
  const items = value.map(read).filter((item) => item !== undefined);
  return items.length === value.length ? items : undefined;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
