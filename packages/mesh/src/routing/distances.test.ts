import { createSigner, createVerifier, type Did, didFromPublicKey } from '@zerostate/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DISTANCES_MAX, INTRODUCTIONS_BURST } from '../limits.ts';
import { decodeVector, encodeVector, type SignedDistance } from './distance-vector.ts';
import { ROUTING_LIMITS } from './limits.ts';
import { Router } from './router.ts';
import { Sequences } from './sequences.ts';

const NETWORK = 'zs-aaaaaaaaaaaaaaaa';
const NOBODY: ReadonlySet<string> = new Set();
const signature = `${'A'.repeat(85)}A`;
const did = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(didFromPublicKey);
const line = fc.record({
  peer: did,
  sequence: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  hops: fc.integer({ min: 1, max: ROUTING_LIMITS.distanceInfinite - 1 }),
  signature: fc.constant(signature),
});

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
        const heard = decodeVector(encodeVector(told), first.peer);
        expect(heard).toEqual({ ok: true, value: told });
      }),
    );
  });

  test('of a large mesh tells the nearest', () => {
    const [self = '', ...others] = manyDids(DISTANCES_MAX + 500);
    const far = others.map((peer, at) => ({ peer, sequence: 1, hops: 30 - (at % 30), signature }));
    const told = encodeVector([{ peer: self, sequence: 1, hops: 0, signature }, ...far]);
    const heard = decodeVector(told, self);
    if (!heard.ok) throw new Error(heard.code);
    expect(heard.value).toHaveLength(DISTANCES_MAX);
    expect(Math.max(...heard.value.map(({ hops }) => hops))).toBeLessThan(24);
  });

  test('of any bytes is an error, never a throw', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 1_000 }),
      fc.nat(9).chain((n) => fc.uint8Array({ minLength: n * 101, maxLength: n * 101 })),
    );
    fc.assert(
      fc.property(bytes, did, (junk, sender) => {
        expect(decodeVector(junk, sender)).toMatchObject({ ok: false, code: 'vector-invalid' });
      }),
    );
  });

  test('that does not begin with its sender, or names a node twice, is refused', () => {
    const [a = '', b = ''] = manyDids(2);
    const own = { peer: a, sequence: 1, hops: 0, signature };
    const other = { peer: b, sequence: 1, hops: 1, signature };
    const wrong: SignedDistance[][] = [
      [other],
      [own, other, other],
      [own, { ...other, hops: 0 }],
      [{ ...own, hops: 1 }, other],
      [own, { ...other, hops: ROUTING_LIMITS.distanceInfinite }],
    ];
    expect(decodeVector(encodeVector([own, other]), a).ok).toBe(true);
    for (const lines of wrong) expect(decodeVector(encodeVector(lines), a).ok).toBe(false);
    expect(decodeVector(encodeVector([own, other]), b).ok).toBe(false);
    const cut = encodeVector([own, other]).subarray(0, -1);
    expect(decodeVector(cut, a)).toMatchObject({ ok: false, code: 'vector-invalid' });
  });
});

describe('the sequence of a node', () => {
  const verifier = createVerifier();
  const sequencesOf = async (fill: number) => {
    const signer = await createSigner(new Uint8Array(32).fill(fill));
    return { signer, sequences: new Sequences(NETWORK, signer, verifier, { now: () => 0 }) };
  };

  test('is raised by nobody else', async () => {
    const [author, liar, listener] = [
      await sequencesOf(1),
      await sequencesOf(2),
      await sequencesOf(3),
    ];
    await author.sequences.sign(7);
    const signed = author.sequences.signatureOf(author.signer.did, 7) ?? '';
    const line = { peer: author.signer.did, sequence: 7, hops: 2, signature: signed };
    expect(await listener.sequences.checked(liar.signer.did, [line])).toEqual([line]);
    const raised = { ...line, sequence: 8 };
    expect(await listener.sequences.checked(liar.signer.did, [raised])).toBeNull();
    expect(listener.sequences.signatureOf(author.signer.did, 7)).toBe(signed);
    // Old news costs no check: it can only say how far its teller claims to be.
    const old = { ...line, sequence: 6, signature: 'whatever' };
    expect(await listener.sequences.checked(liar.signer.did, [old])).toEqual([old]);
  });

  test('is checked for a few strangers at once, however many a neighbour names', async () => {
    const { sequences, signer } = await sequencesOf(4);
    const authors = await Promise.all(Array.from({ length: 3 }, (_, at) => sequencesOf(at + 10)));
    for (const author of authors) await author.sequences.sign(1);
    const lines = authors.map(({ signer: { did: peer }, sequences: theirs }) => ({
      ...{ peer, sequence: 1, hops: 1, signature: theirs.signatureOf(peer, 1) ?? '' },
    }));
    const [one] = lines;
    if (one === undefined) throw new Error('no line');
    for (let taken = 0; taken < INTRODUCTIONS_BURST; taken++) {
      await sequences.checked('greedy', [{ ...one, sequence: 0, signature: '' }]);
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
