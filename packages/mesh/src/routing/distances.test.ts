import { createSigner, createVerifier, type Did, didFromPublicKey } from '@zerostate/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DISTANCES_MAX, INTRODUCTIONS_BURST } from '../limits.ts';
import {
  decodeVector,
  encodeVector,
  nearest,
  type ProvenDistance,
  SIGNATURE_BYTES,
} from './distance-vector.ts';
import { KeyNames } from './key-names.ts';
import { ROUTING_LIMITS } from './limits.ts';
import { VALUE_BYTES } from './round-chain.ts';
import { Router } from './router.ts';
import { Sequences } from './sequences.ts';

const NETWORK = 'zs-aaaaaaaaaaaaaaaa';
const NOBODY: ReadonlySet<string> = new Set();
const names = new KeyNames();
const value = new Uint8Array(VALUE_BYTES).fill(5);
const did = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(didFromPublicKey);
const line = fc
  .record({
    peer: did,
    first: fc.integer({ min: 0, max: 2 ** 32 - ROUTING_LIMITS.chainRounds }),
    place: fc.integer({ min: 0, max: ROUTING_LIMITS.chainRounds - 1 }),
    hops: fc.integer({ min: 1, max: ROUTING_LIMITS.distanceInfinite - 1 }),
    value: fc.uint8Array({ minLength: VALUE_BYTES, maxLength: VALUE_BYTES }),
    signature: fc.option(fc.uint8Array({ minLength: SIGNATURE_BYTES, maxLength: SIGNATURE_BYTES })),
  })
  .map(({ place, ...rest }) => ({ ...rest, sequence: rest.first + place }));

/** A line as a neighbour tells it whose listener has its chain. */
function lineOf(peer: Did, hops: number, sequence = 1): ProvenDistance {
  return { peer, hops, sequence, first: 0, value, signature: null };
}

function manyDids(count: number): Did[] {
  return Array.from({ length: count }, (_, at) => {
    const key = new Uint8Array(32);
    new DataView(key.buffer).setUint32(0, at);
    return didFromPublicKey(key);
  });
}

describe('a distance vector', () => {
  test('comes back as it was told', () => {
    const lines = fc.uniqueArray(line, {
      selector: ({ peer }) => peer,
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(lines, ([first, ...others]) => {
        if (first === undefined) return;
        const told = [{ ...first, hops: 0 }, ...others];
        const heard = decodeVector(encodeVector(told, names), first.peer, names);
        expect(heard).toEqual({ ok: true, value: told });
      }),
    );
  });

  test('of a large mesh tells the nearest', () => {
    const [self = '', ...others] = manyDids(DISTANCES_MAX + 500);
    const far = others.map((peer, at) => lineOf(peer, 30 - (at % 30)));
    const told = nearest([lineOf(self, 0), ...far]);
    expect(told).toHaveLength(DISTANCES_MAX);
    expect(told[0]?.peer).toBe(self);
    expect(Math.max(...told.map(({ hops }) => hops))).toBeLessThan(24);
  });

  test('of any bytes is an error, never a throw', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 1_000 }),
      fc.nat(9).chain((n) => fc.uint8Array({ minLength: n * 54, maxLength: n * 54 })),
    );
    fc.assert(
      fc.property(bytes, did, (junk, sender) => {
        expect(decodeVector(junk, sender, names)).toMatchObject({
          ok: false,
          code: 'vector-invalid',
        });
      }),
    );
  });

  test('that does not begin with its sender, or names a node twice, is refused', () => {
    const [a = '', b = ''] = manyDids(2);
    const [own, other] = [lineOf(a, 0), lineOf(b, 1)];
    const wrong: ProvenDistance[][] = [
      [],
      [other],
      [own, other, other],
      [own, { ...other, hops: 0 }],
      [{ ...own, hops: 1 }, other],
      [own, { ...other, hops: ROUTING_LIMITS.distanceInfinite }],
      [own, { ...other, sequence: 1, first: -5 }],
      [
        own,
        ...manyDids(DISTANCES_MAX + 1)
          .slice(1)
          .map((peer) => lineOf(peer, 1)),
      ],
    ];
    const bytes = encodeVector([own, other], names);
    expect(decodeVector(bytes, a, names).ok).toBe(true);
    for (const lines of wrong) {
      expect(decodeVector(encodeVector(lines, names), a, names).ok).toBe(false);
    }
    expect(decodeVector(bytes, b, names).ok).toBe(false);
    const cut = decodeVector(bytes.subarray(0, -1), a, names);
    expect(cut).toMatchObject({ ok: false, code: 'vector-invalid' });
  });
});

describe('the sequence of a node', () => {
  const verifier = createVerifier();
  const sequencesOf = async (fill: number, secret = 9) => {
    const rng = { bytes: (length: number) => new Uint8Array(length).fill(secret) };
    const ports = { clock: { now: () => 0 }, rng };
    const signer = await createSigner(new Uint8Array(32).fill(fill));
    return {
      signer,
      sequences: new Sequences({ network: NETWORK, signer, verifier, ports, names }),
    };
  };
  type Node = Awaited<ReturnType<typeof sequencesOf>>;

  /** What a node tells of itself at a round, by way of a neighbour of its own. */
  const toldBy = async ({ signer, sequences }: Node, sequence: number): Promise<ProvenDistance> => {
    await sequences.reach(sequence);
    const proof = sequences.newest(signer.did);
    if (proof === undefined) throw new Error('no proof');
    return { ...proof, peer: signer.did, hops: 2 };
  };

  test('is raised by nobody else', async () => {
    const [author, liar, listener] = [
      await sequencesOf(1),
      await sequencesOf(2),
      await sequencesOf(3),
    ];
    const heard = (line: ProvenDistance) => listener.sequences.checked(liar.signer.did, [line]);
    const line = await toldBy(author, 7);
    expect(await heard(line)).toEqual([line]);
    const raised = { ...line, sequence: 8 };
    expect(await heard(raised)).toBeNull();
    expect(await heard({ ...raised, first: 8 })).toBeNull();
    expect(await heard({ ...raised, signature: null })).toEqual([]);
    // A chain of the liar's under the author's name.
    expect(await heard({ ...(await toldBy(liar, 9)), peer: author.signer.did })).toBeNull();
    expect(listener.sequences.newest(author.signer.did)?.sequence).toBe(7);
    // Old news costs no check: it can only say how far its teller claims to be.
    const old = { ...line, sequence: 6, value: new Uint8Array(VALUE_BYTES) };
    expect(await heard(old)).toEqual([old]);
  });

  test('goes on without a signature, over rounds that were missed, to the end of its chain', async () => {
    const [author, listener] = [await sequencesOf(1), await sequencesOf(2)];
    const heard = async (line: ProvenDistance) =>
      (await listener.sequences.checked('a neighbour', [line]))?.length;
    expect(await heard({ ...(await toldBy(author, 100)), signature: null })).toBe(0);
    expect(await heard(await toldBy(author, 101))).toBe(1);
    for (const round of [102, 110, 100 + ROUTING_LIMITS.chainRounds - 1]) {
      expect(await heard({ ...(await toldBy(author, round)), signature: null })).toBe(1);
    }
    const next = await toldBy(author, 100 + ROUTING_LIMITS.chainRounds);
    expect(next.first).toBe(100 + ROUTING_LIMITS.chainRounds);
    expect(await heard({ ...next, signature: null })).toBe(0);
    expect(await heard(next)).toBe(1);
  });

  test('is guessed at by nobody for long', async () => {
    const [author, listener] = [await sequencesOf(1), await sequencesOf(2)];
    const line = await toldBy(author, 7);
    const heard = (one: ProvenDistance) => listener.sequences.checked('a liar', [one]);
    expect(await heard(line)).toEqual([line]);
    const guess = { ...line, sequence: 200, signature: null };
    for (let tried = 1; tried < INTRODUCTIONS_BURST; tried++)
      expect(await heard(guess)).toEqual([]);
    expect(await heard(guess)).toBeNull();
    expect(listener.sequences.newest(author.signer.did)?.sequence).toBe(7);
  });

  test('of a node that started again within one round is believed once it is signed', async () => {
    const [author, listener] = [await sequencesOf(1), await sequencesOf(2)];
    const heard = (line: ProvenDistance) => listener.sequences.checked('a neighbour', [line]);
    await heard(await toldBy(author, 7));
    const again = await sequencesOf(1, 10);
    await again.sequences.reach(7);
    const line = await toldBy(again, 8);
    expect(await heard({ ...line, signature: null })).toEqual([]);
    expect(await heard(line)).toEqual([line]);
    const next = { ...(await toldBy(again, 9)), signature: null };
    expect(await heard(next)).toEqual([next]);
  });

  test('is checked for a few strangers at once, however many a neighbour names', async () => {
    const { sequences, signer } = await sequencesOf(4);
    const authors = await Promise.all(Array.from({ length: 3 }, (_, at) => sequencesOf(at + 10)));
    const lines = await Promise.all(authors.map((author) => toldBy(author, 1)));
    for (let round = 1; round <= INTRODUCTIONS_BURST; round++) {
      // The same stranger with a new chain each time: every one of them is a signature to check.
      const restless = await sequencesOf(20);
      expect(await sequences.checked('greedy', [await toldBy(restless, round)])).toHaveLength(1);
    }
    expect(await sequences.checked('greedy', lines)).toEqual([]);
    expect(await sequences.checked(signer.did, lines)).toEqual(lines);
  });
});

describe('a router', () => {
  const options = { hopFloorMs: 1, failurePenaltyMs: 1_000, random: () => 0 };

  test('of a full table gives places of the silent to the living', () => {
    const router = new Router({ self: 'self', ...options });
    router.joined('n');
    const ghosts = manyDids(ROUTING_LIMITS.destinationsMax);
    router.heard(
      'n',
      ghosts.map((peer) => ({ peer, sequence: 1, hops: 1 })),
    );
    router.heard('n', [{ peer: 'late', sequence: 1, hops: 1 }]);
    expect(router.hops('late')).toBeUndefined();
    // A neighbour finds a place even then.
    router.joined('neighbour');
    expect(router.nextHop('neighbour', NOBODY)).toBe('neighbour');
    for (let round = 0; round <= ROUTING_LIMITS.forgottenRounds; round++) router.nextRound();
    router.heard('n', [{ peer: 'late', sequence: 1, hops: 1 }]);
    expect(router.hops('late')).toBe(2);
    expect(router.nextHop('neighbour', NOBODY)).toBe('neighbour');
    expect(router.hops(ghosts[0] ?? '')).toBeUndefined();
  });

  test('that starts again is news to those who knew it before', () => {
    const listener = new Router({ self: 'b', ...options });
    listener.joined('a');
    const told = (round: number) => {
      const a = new Router({ self: 'a', ...options, firstRound: round });
      listener.nextRound();
      listener.heard('a', a.vectorFor('b'));
      const c = { peer: 'c', sequence: round, hops: 1 };
      listener.heard('a', [c]);
    };
    for (let round = 1_000; round < 1_010; round++) told(round);
    expect(listener.hops('c')).toBe(2);
    for (let round = 0; round < 10; round++) told(round);
    expect(listener.hops('c')).toBeUndefined();
    for (let round = 1_020; round < 1_022; round++) told(round);
    expect(listener.hops('c')).toBe(2);
    const again = new Router({ self: 'a', ...options });
    again.catchUp(1_022);
    expect(again.round).toBe(1_022);
    again.catchUp(5);
    expect(again.round).toBe(1_022);
  });

  test('names why each neighbour is the next or is not', () => {
    const router = new Router({ self: 'self', ...options });
    for (const peer of ['near', 'dear', 'far', 'mute', 'dead']) router.joined(peer);
    const said = (from: string, hops: number) =>
      router.heard(from, [{ peer: 'd', sequence: 1, hops }]);
    said('near', 1);
    said('dear', 1);
    said('far', 9);
    said('dead', 1);
    router.failed('dead');
    router.learn('d', 'dear', { wait: 40, transfer: 1, remaining: 1 });
    const why = router.explain('d')?.candidates.map(({ peer, why }) => `${peer} ${why}`);
    expect(why?.slice(0, 2)).toEqual(['near next', 'dear costlier']);
    expect(new Set(why?.slice(2))).toEqual(new Set(['far detour', 'mute no-way', 'dead failed']));
    expect(router.nextHop('d', NOBODY)).toBe('near');
  });

  test('that asked in vain asks another next time', () => {
    const router = new Router({ self: 'self', ...options });
    for (const peer of ['a', 'b']) {
      router.joined(peer);
      router.heard(peer, [{ peer: 'd', sequence: 1, hops: 1 }]);
    }
    const first = router.nextHop('d', NOBODY) ?? '';
    router.unanswered('d', first);
    expect(router.nextHop('d', NOBODY)).not.toBe(first);
  });
});
