import { createVerifier, type Signer } from '@zerostate/shared';
import { beforeAll, describe, expect, test } from 'vitest';
import { agentCard, author, type CardChange, signedCard } from '../testing/cards.ts';
import { NETWORK } from '../testing/nodes.ts';
import { CardBook } from './book.ts';
import { decodeCard, encodeCard } from './card-value.ts';
import { verifyChain } from './verify-chain.ts';

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const verifier = createVerifier();
let alice: Signer;
let mallory: Signer;
beforeAll(async () => {
  [alice, mallory] = [await author(1), await author(2)];
});

const wantedOf = (did: string) => ({ did, agent: 'digest' });
const context = (book = new CardBook(), wanted: { did: string; agent: string } | null = null) => ({
  network: NETWORK,
  verifier,
  now: NOW,
  wanted,
  held: (did: string, agent: string) => book.record(did, agent),
});

describe('a card passes hash, signature, authority and freshness, or says where it broke', () => {
  test('a good one passes', async () => {
    const signed = await signedCard(alice, 'digest', 1, NOW);
    const verified = await verifyChain(signed, context(undefined, wantedOf(alice.did)));
    expect(verified).toMatchObject({ ok: true, value: { body: { did: alice.did, seq: '1' } } });
  });

  test.each<[string, string, () => CardChange | Promise<CardChange>]>([
    [
      'another card than the record names',
      'hash-differs',
      () => ({ record: { card_sha256: `${'B'.repeat(42)}A` } }),
    ],
    ['a record that somebody else signed', 'signature-record', () => ({ recordSigner: mallory })],
    ['a card that somebody else signed', 'signature-card', () => ({ cardSigner: mallory })],
    [
      'a record for another network',
      'signature-record',
      () => ({ network: 'zs-bbbbbbbbbbbbbbbb' }),
    ],
    [
      'a record of another author',
      'authority-did',
      () => ({ record: { did: mallory.did }, recordSigner: mallory, cardSigner: mallory }),
    ],
    ['a record of another agent', 'authority-agent', () => ({ record: { agent: 'other' } })],
    ['a card without terms', 'authority-card', () => ({ card: { capabilities: {} } })],
    [
      'a record of tomorrow',
      'freshness-future',
      () => ({ record: { issued_at: String(NOW + 120_000) } }),
    ],
    [
      'a record that is over',
      'freshness-expired',
      () => ({ record: { issued_at: String(NOW - DAY_MS), expires_at: String(NOW) } }),
    ],
  ])('%s: %s', async (_, code, change) => {
    const signed = await signedCard(alice, 'digest', 1, NOW, await change());
    const verified = await verifyChain(signed, context(undefined, wantedOf(alice.did)));
    expect(verified).toMatchObject({ ok: false, code });
  });

  test('an older record than the one held is stale, the same number with other words a lie', async () => {
    const book = new CardBook();
    const held = await verifyChain(await signedCard(alice, 'digest', 5, NOW), context());
    if (!held.ok) throw new Error(held.code);
    book.keep(held.value);
    const at = async (seq: number, change?: CardChange) =>
      verifyChain(await signedCard(alice, 'digest', seq, NOW, change), context(book));
    expect(await at(4)).toMatchObject({ ok: false, code: 'freshness-stale' });
    expect(await at(5)).toMatchObject({ ok: true });
    expect(await at(6)).toMatchObject({ ok: true });
    const lie = { card: agentCard('digest', ['something else']) };
    expect(await at(5, lie)).toMatchObject({ ok: false, code: 'freshness-equivocation' });
    // Nobody else can make an author look like a liar.
    const framed = { ...lie, recordSigner: mallory };
    expect(await at(5, framed)).toMatchObject({ ok: false, code: 'signature-record' });
  });

  test('of two that are checked at the same time the older never replaces the newer', async () => {
    const newer = await verifyChain(await signedCard(alice, 'digest', 5, NOW), context());
    if (!newer.ok) throw new Error(newer.code);
    const lie = { card: agentCard('digest', ['something else']) };
    const late = [
      [4, {}, 'freshness-stale'],
      [5, lie, 'freshness-equivocation'],
    ] as const;
    for (const [seq, change, code] of late) {
      const book = new CardBook();
      const whileChecked = {
        verify: async (...args: Parameters<typeof verifier.verify>) => {
          const isGood = await verifier.verify(...args);
          book.keep(newer.value);
          return isGood;
        },
      };
      const older = await signedCard(alice, 'digest', seq, NOW, change);
      const verified = await verifyChain(older, { ...context(book), verifier: whileChecked });
      expect(verified).toMatchObject({ ok: false, code });
    }
  });

  test('a value has one spelling', async () => {
    const value = encodeCard(await signedCard(alice, 'digest', 1, NOW));
    expect(decodeCard(value).ok).toBe(true);
    const spaced = new TextEncoder().encode(` ${new TextDecoder().decode(value)}`);
    expect(decodeCard(spaced)).toMatchObject({ ok: false, code: 'form-invalid' });
    expect(decodeCard(value.subarray(1)).ok).toBe(false);
    expect(decodeCard(new Uint8Array(100_000)).ok).toBe(false);
  });
});
