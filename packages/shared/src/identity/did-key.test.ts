import { Point } from '@noble/ed25519';
import { base58 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeHex } from '../encoding/bytes.ts';
import {
  didFromPublicKey,
  didOfVerificationMethod,
  isDid,
  publicKeyFromDid,
  verificationMethod,
} from './did-key.ts';
import { admitKey } from './key-admission.ts';
import { networkId } from './network.ts';

const KNOWN = 'did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2';

describe('a DID', () => {
  test('names exactly one key, and a key exactly one DID', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        const did = didFromPublicKey(key);
        expect(publicKeyFromDid(did)).toEqual({ ok: true, value: key });
        expect(didOfVerificationMethod(verificationMethod(did))).toEqual({ ok: true, value: did });
      }),
    );
  });

  test('of another kind of key, length or spelling is refused', () => {
    const secp256k1 = base58.encode(Uint8Array.of(0xe7, 0x01, ...new Array(33).fill(2)));
    for (const did of [
      '',
      'did:key:',
      `did:key:z${secp256k1}`,
      'did:web:example.com',
      KNOWN.slice(0, -1),
      `${KNOWN}2`,
      `${KNOWN}\n`,
      ` ${KNOWN}`,
      KNOWN.replace('z6Mk', 'z6MK'),
      KNOWN.replace('J', '0'),
      verificationMethod(KNOWN),
    ]) {
      expect(isDid(did)).toBe(false);
    }
    expect(isDid(KNOWN)).toBe(true);
    expect(isDid(undefined)).toBe(false);
  });

  test('and a verification method of another DID do not belong together', () => {
    const other = didFromPublicKey(new Uint8Array(32).fill(9));
    expect(didOfVerificationMethod(`${KNOWN}#${other.slice(8)}`).ok).toBe(false);
    expect(didOfVerificationMethod(KNOWN).ok).toBe(false);
  });
});

describe('a key that anyone can sign for is not admitted', () => {
  const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
  const honest = Point.BASE.multiply(12345n, false);

  test('small order: all eight points', () => {
    for (let times = 1n; times <= 8n; times++) {
      const point = torsion.multiply(times, false);
      expect(admitKey(point.toBytes())).toEqual({ ok: false, code: 'key-small-order' });
    }
  });

  test('mixed order: an honest key plus any of the seven torsion points', () => {
    for (let times = 1n; times < 8n; times++) {
      const point = honest.add(torsion.multiply(times, false));
      expect(admitKey(point.toBytes())).toEqual({ ok: false, code: 'key-torsion' });
    }
    expect(admitKey(honest.toBytes())).toEqual({ ok: true, value: undefined });
  });

  test.each([
    ['y = p + 1', `ee${'ff'.repeat(30)}7f`, 'key-not-canonical'],
    ['x = 0 with a sign', `01${'00'.repeat(30)}80`, 'key-not-canonical'],
    ['x = 0 with a sign, order 2', `ec${'ff'.repeat(31)}`, 'key-not-canonical'],
    ['y = 2', `02${'00'.repeat(31)}`, 'key-not-on-curve'],
    ['31 bytes', '01'.repeat(31), 'key-length'],
    ['33 bytes', '01'.repeat(33), 'key-length'],
  ])('%s', (_, hex, code) => {
    const key = decodeHex(hex);
    expect(key.ok && admitKey(key.value)).toEqual({ ok: false, code });
  });
});

test('a network id is fixed by every field of its genesis and by nothing else', () => {
  const genesis = { ledger: KNOWN, asset: 'unit', kind: 'local', created_at: '1700000000000' };
  const id = networkId(genesis);
  expect(id).toMatch(/^zs-[a-z2-7]{16}$/);
  expect(networkId({ ...genesis, extra: '1' } as typeof genesis)).toBe(id);
  for (const field of ['ledger', 'asset', 'kind', 'created_at'] as const) {
    expect(networkId({ ...genesis, [field]: 'other' })).not.toBe(id);
  }
});
