import { createSigner, createVerifier, decodeHex, didFromPublicKey } from '@zerostate/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemPorts } from '../testing/adapters/system.ts';
import { type Envelope, envelopeId, isAuthentic, openSealed, sealFor } from './envelope.ts';
import { decodeOffer, decodeWord, encodeOffer, encodeWord, ROUTE_CODES } from './hop.ts';
import {
  AgreementKeys,
  agreementKeyOf,
  agreementPair,
  agreementPairOf,
  messageKey,
} from './key-agreement.ts';

const NETWORK = 'zs-aaaaaaaaaaaaaaaa';
const { rng } = systemPorts();
const keys = new AgreementKeys();
const verifier = createVerifier();
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const seedOf = (fill: number) => new Uint8Array(32).fill(fill);

describe('a key agreement', () => {
  test('takes the public key that libsodium takes', () => {
    // libsodium test/default/ed25519_convert.exp, the key of its first line.
    const ed = decodeHex('b5076a8474a832daee4dd5b4040983b6623b5f344aca57d4d6ee4baf3f259e6e');
    const x = 'f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50';
    const agreed = agreementKeyOf(didFromPublicKey(ed.ok ? ed.value : seedOf(0)));
    expect(agreed.ok && Buffer.from(agreed.value).toString('hex')).toBe(x);
  });

  test('of a DID is the public half of the secret that its seed holds', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, seeds, async (seed, random) => {
        const { did } = await createSigner(seed);
        const recipient = agreementKeyOf(did);
        if (!recipient.ok) throw new Error(recipient.code);
        const pair = await agreementPair(random);
        const parties = { ephemeral: pair.publicKey, recipient: recipient.value };
        const ours = await messageKey(pair.secret, recipient.value, parties, 'encrypt');
        const { secret, publicKey } = await agreementPairOf(seed);
        expect(publicKey).toEqual(recipient.value);
        const theirs = await messageKey(secret, pair.publicKey, parties, 'decrypt');
        expect(ours?.nonce).toEqual(theirs?.nonce);
      }),
      { numRuns: 20 },
    );
  });

  test('refuses keys of small order', async () => {
    const zero = new Uint8Array(32);
    const { secret } = await agreementPair(seedOf(3));
    const parties = { ephemeral: zero, recipient: zero };
    expect(await messageKey(secret, zero, parties, 'encrypt')).toBeNull();
    expect(agreementKeyOf(didFromPublicKey(zero))).toMatchObject({ code: 'did-invalid' });
  });
});

async function sealed(content: Uint8Array, re: string | null = null) {
  const [author, recipient] = [await createSigner(seedOf(1)), await createSigner(seedOf(2))];
  const about = { to: recipient.did, re, issuedAt: 1_800_000_000_000, ttlMs: 15_000 };
  const made = await sealFor(
    NETWORK,
    { signer: author, rng, keys },
    { ...about, qos: 'control' },
    content,
  );
  if (!made.ok) throw new Error(made.code);
  return { author, recipient, envelope: made.value, secret: await agreementPairOf(seedOf(2)) };
}

describe('an envelope', () => {
  test('is opened by its recipient and by nobody else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (content) => {
        const { envelope, secret } = await sealed(content);
        expect(await isAuthentic(NETWORK, envelope, verifier)).toBe(true);
        expect(await openSealed(NETWORK, envelope, secret)).toEqual({ ok: true, value: content });
        const other = await agreementPairOf(seedOf(4));
        const read = await openSealed(NETWORK, envelope, other);
        expect(read).toMatchObject({ code: 'envelope-unreadable' });
      }),
      { numRuns: 20 },
    );
  });

  test('that anyone changed in any field or byte is forged', async () => {
    const { envelope, recipient } = await sealed(seedOf(9));
    const { head } = envelope;
    const stranger = (await createSigner(seedOf(5))).did;
    const flipped = envelope.sealed.map((byte, at) => (at === 7 ? byte ^ 1 : byte));
    const changed: Omit<Envelope, 'id'>[] = [
      { ...envelope, sealed: flipped },
      { ...envelope, head: { ...head, from: stranger } },
      { ...envelope, head: { ...head, to: stranger } },
      { ...envelope, head: { ...head, re: 'A'.repeat(43) } },
      { ...envelope, head: { ...head, issuedAt: head.issuedAt + 1 } },
      { ...envelope, head: { ...head, ttlMs: head.ttlMs + 1 } },
      { ...envelope, head: { ...head, qos: 'bulk' } },
      { ...envelope, head: { ...head, key: 'A'.repeat(43) } },
      { ...envelope, signature: [...envelope.signature].toReversed().join('') },
    ];
    for (const one of changed) expect(await isAuthentic(NETWORK, one, verifier)).toBe(false);
    expect(await isAuthentic('zs-bbbbbbbbbbbbbbbb', envelope, verifier)).toBe(false);
    expect(recipient.did).toBe(head.to);
  });

  test('cannot be passed off as another author’s by signing it anew', async () => {
    const { envelope, secret } = await sealed(seedOf(9));
    const thief = await createSigner(seedOf(6));
    const stolen = { ...envelope, head: { ...envelope.head, from: thief.did } };
    const read = await openSealed(NETWORK, stolen, secret);
    expect(read).toMatchObject({ code: 'envelope-unreadable' });
    expect(envelopeId(NETWORK, stolen.head)).not.toBe(envelope.id);
  });
});

describe('what neighbours say of an envelope', () => {
  test('comes back as it was said', async () => {
    const { envelope, author } = await sealed(seedOf(1));
    const others = await Promise.all([7, 8, 9].map((fill) => createSigner(seedOf(fill))));
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(others.map(({ did }) => did)),
        fc.record({ leftMs: fc.integer({ min: 1, max: 15_000 }), bytes: fc.nat(8_000_000) }),
        fc.record({ waitMs: fc.nat(9_999), remainingMs: fc.nat(9_999) }),
        fc.boolean(),
        async (passed, sizes, times, isAnswer) => {
          const head = { ...envelope.head, re: isAnswer ? envelope.id : null };
          const { signature } = envelope;
          const offer = { head, signature, passed: [author.did, ...passed], ...sizes, ...times };
          expect(decodeOffer(encodeOffer(offer))).toEqual({ ok: true, value: offer });
        },
      ),
      { numRuns: 100 },
    );
    const words = [
      { kind: 'taken', waitMs: 1.5, remainingMs: 0 },
      { kind: 'working' },
      { kind: 'delivered' },
      ...ROUTE_CODES.map((code) => ({ kind: 'refused', code }) as const),
    ] as const;
    for (const word of words)
      expect(decodeWord(encodeWord(word))).toEqual({ ok: true, value: word });
  });

  test('is refused when a field is out of bounds', async () => {
    const { envelope, author, recipient } = await sealed(seedOf(1));
    const { head, signature } = envelope;
    const times = { leftMs: 100, waitMs: 0, remainingMs: 0, bytes: 9 };
    const good = { head, signature, passed: [author.did], ...times };
    expect(decodeOffer(encodeOffer(good)).ok).toBe(true);
    const nine = await Promise.all(
      Array.from({ length: 9 }, async (_, at) => (await createSigner(seedOf(at + 20))).did),
    );
    const wrong = [
      { ...good, passed: [] },
      { ...good, passed: [recipient.did] },
      { ...good, passed: [author.did, author.did] },
      { ...good, passed: [author.did, ...nine.slice(0, 8)] },
      { ...good, passed: [author.did, 'did:key:z6Mknobody'] },
      { ...good, leftMs: head.ttlMs + 1 },
      { ...good, leftMs: 0 },
      { ...good, bytes: 9_000_000 },
      { ...good, signature: signature.slice(1) },
      { ...good, head: { ...head, to: head.from } },
      { ...good, head: { ...head, ttlMs: 60_001 } },
      { ...good, head: { ...head, key: 'A'.repeat(42) } },
    ];
    for (const offer of wrong) {
      expect(decodeOffer(encodeOffer(offer))).toMatchObject({ code: 'envelope-invalid' });
    }
  });

  test('is an error, never a throw, whatever the bytes', () => {
    const text = fc.json().map((json) => new TextEncoder().encode(json));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), text), (bytes) => {
        expect(decodeOffer(bytes).ok).toBe(false);
        expect(decodeWord(bytes).ok).toBe(false);
      }),
    );
  });
});
