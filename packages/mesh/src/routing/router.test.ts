import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Router } from './router.ts';
import { readRouterState } from './router-state.ts';

const NOBODY: ReadonlySet<string> = new Set();
type Edge = readonly [string, string];

function mesh(edges: readonly Edge[]): Map<string, Router> {
  const routers = new Map<string, Router>();
  const of = (self: string): Router => {
    const known = routers.get(self);
    if (known) return known;
    const router = newRouter(self);
    routers.set(self, router);
    return router;
  };
  for (const [a, b] of edges) {
    of(a).joined(b);
    of(b).joined(a);
  }
  return routers;
}

function newRouter(self: string): Router {
  return new Router({ self, hopFloorMs: 1, failurePenaltyMs: 1_000, random: () => 0 });
}

function gossip(routers: Map<string, Router>, edges: readonly Edge[], rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    for (const router of routers.values()) router.nextRound();
    for (const [a, b] of edges.flatMap(([a, b]): Edge[] => [
      [a, b],
      [b, a],
    ])) {
      routers.get(b)?.heard(a, routers.get(a)?.vectorFor(b) ?? []);
    }
  }
}

function at(routers: Map<string, Router>, self: string): Router {
  const router = routers.get(self);
  if (!router) throw new Error(`no router ${self}`);
  return router;
}

/** Two ways from a to d, over b and over c. */
const DIAMOND: readonly Edge[] = [
  ['a', 'b'],
  ['a', 'c'],
  ['b', 'd'],
  ['c', 'd'],
];

test('every node learns how many hops away every other is, on any mesh', () => {
  const edge = fc.tuple(fc.nat(9), fc.nat(9)).filter(([a, b]) => a !== b);
  fc.assert(
    fc.property(fc.array(edge, { minLength: 1, maxLength: 25 }), (numbers) => {
      const edges = numbers.map(([a, b]): Edge => [`${a}`, `${b}`]);
      const routers = mesh(edges);
      gossip(routers, edges, 12);
      for (const [self, router] of routers) {
        for (const [peer, hops] of walk(edges, self)) {
          if (peer !== self) expect(router.explain(peer)?.hops).toBe(hops);
        }
      }
    }),
    { numRuns: 100 },
  );
});

function walk(edges: readonly Edge[], from: string): Map<string, number> {
  const hops = new Map([[from, 0]]);
  for (const [node, distance] of hops) {
    for (const [a, b] of edges) {
      const next = a === node ? b : b === node ? a : undefined;
      if (next !== undefined && !hops.has(next)) hops.set(next, distance + 1);
    }
  }
  return hops;
}

test('an envelope is never handed to a node that it has passed', () => {
  const routers = mesh(DIAMOND);
  gossip(routers, DIAMOND, 4);
  expect(at(routers, 'a').nextHop('d', new Set(['b']))).toBe('c');
  expect(at(routers, 'a').nextHop('d', new Set(['b', 'c']))).toBeUndefined();
});

test('a neighbour whose queue is long loses the next envelope, whatever its destination', () => {
  const edges: Edge[] = [...DIAMOND, ['b', 'e'], ['c', 'e']];
  const routers = mesh(edges);
  gossip(routers, edges, 4);
  const a = at(routers, 'a');
  a.learn('d', 'c', { wait: 500, transfer: 1, remaining: 1 });
  expect(a.nextHop('d', NOBODY)).toBe('b');
  expect(a.nextHop('e', NOBODY)).toBe('b');
});

test('what comes back from a source teaches the way to it', () => {
  const routers = mesh(DIAMOND);
  gossip(routers, DIAMOND, 4);
  const d = at(routers, 'd');
  d.learn('a', 'c', { wait: 0, transfer: 1, remaining: 300 });
  expect(d.nextHop('a', NOBODY)).toBe('b');
});

test('a failed send turns everything to other neighbours until the peer joins again', () => {
  const routers = mesh(DIAMOND);
  gossip(routers, DIAMOND, 4);
  const a = at(routers, 'a');
  a.failed('b');
  expect(a.nextHop('d', NOBODY)).toBe('c');
  a.failed('c');
  expect(a.nextHop('d', NOBODY)).toBeUndefined();
  a.joined('b');
  expect(a.nextHop('d', NOBODY)).toBe('b');
});

test('a destination that fell silent is out of reach within a few rounds', () => {
  const routers = mesh(DIAMOND);
  gossip(routers, DIAMOND, 4);
  routers.delete('d');
  gossip(routers, DIAMOND, 7);
  expect(at(routers, 'a').nextHop('d', NOBODY)).toBeUndefined();
});

test('a detour is taken only where it is worth it', () => {
  const edges: Edge[] = [
    ['a', 'd'],
    ['a', 'b'],
    ['b', 'd'],
  ];
  const routers = mesh([...edges, ['d', 'z']]);
  gossip(routers, [...edges, ['d', 'z']], 5);
  const a = at(routers, 'a');
  expect(a.nextHop('z', NOBODY)).toBe('d');
  a.learn('z', 'd', { wait: 2, transfer: 1, remaining: 1 });
  expect(a.nextHop('z', NOBODY)).toBe('d');
  a.learn('z', 'd', { wait: 50, transfer: 1, remaining: 1 });
  expect(a.nextHop('z', NOBODY)).toBe('b');
});

test('what was learned survives a restart', () => {
  const routers = mesh(DIAMOND);
  gossip(routers, DIAMOND, 4);
  at(routers, 'a').learn('d', 'c', { wait: 500, transfer: 1, remaining: 1 });
  const saved: unknown = JSON.parse(JSON.stringify(at(routers, 'a').state()));
  const state = readRouterState(saved);
  const again = mesh(DIAMOND);
  const fresh = newRouter('a');
  if (state) fresh.restore(state);
  fresh.joined('b');
  fresh.joined('c');
  again.set('a', fresh);
  gossip(again, DIAMOND, 4);
  expect(fresh.nextHop('d', NOBODY)).toBe('b');
});

test.each([
  [null],
  [{}],
  [{ version: 2, neighbours: [] }],
  [{ version: 1, neighbours: [{ peer: 'b', waitMs: -1, rests: [] }] }],
  [{ version: 1, neighbours: [{ peer: 'b', waitMs: 1, rests: [{ peer: 'd', ms: 'soon' }] }] }],
])('a damaged state is refused: %j', (value) => {
  expect(readRouterState(value)).toBeUndefined();
});
