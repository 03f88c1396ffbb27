import { Point } from '@noble/ed25519';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { utf8 } from '../encoding/bytes.ts';
import { didFromPublicKey } from './did-key.ts';
import { createSigner, createVerifier } from './signing.ts';

const message = utf8('message');
/** An honest key plus a point of order eight. */
const TORSIONED = Point.BASE.multiply(12345n, false)
  .add(Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'))
  .toBytes();
const signer = (fill: number) => createSigner(new Uint8Array(32).fill(fill));

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('a verifier', () => {
  test('takes the signature of the right key over the right message only', async () => {
    const verifier = createVerifier();
    const [alice, bob] = [await signer(1), await signer(2)];
    const signature = await alice.sign(message);
    expect(await verifier.verify(alice.did, message, signature)).toBe(true);
    expect(await verifier.verify(bob.did, message, signature)).toBe(false);
    expect(await verifier.verify(alice.did, utf8('massage'), signature)).toBe(false);
    expect(await verifier.verify('did:key:nonsense', message, signature)).toBe(false);
  });

  test('does not throw on signatures of any length', async () => {
    const verifier = createVerifier();
    const alice = await signer(1);
    for (const length of [0, 1, 32, 63, 65, 128]) {
      expect(await verifier.verify(alice.did, message, new Uint8Array(length))).toBe(false);
    }
  });

  test('admits a key once, and forgets the one it has not seen for longest', async () => {
    const imported = vi.spyOn(crypto.subtle, 'importKey');
    const verifier = createVerifier({ cacheSize: 2 });
    const signers = await Promise.all([1, 2, 3].map(signer));
    const [first, second, third] = signers.map(({ did }) => did);
    imported.mockClear();
    const check = async (did: string | undefined) => {
      await verifier.verify(did ?? '', message, new Uint8Array(64));
      return imported.mock.calls.length;
    };
    expect(await check(first)).toBe(1);
    expect(await check(second)).toBe(2);
    expect(await check(first)).toBe(2);
    expect(await check(third)).toBe(3);
    expect(await check(first)).toBe(3);
    expect(await check(second)).toBe(4);
  });

  test('takes a key as admitted once where it was told so, and checks its signatures all the same', async () => {
    const torsioned = didFromPublicKey(TORSIONED);
    const alice = await signer(1);
    const imported = vi.spyOn(crypto.subtle, 'importKey');
    const verifier = createVerifier({ admitted: [torsioned, alice.did], cacheSize: 1 });
    const signature = await alice.sign(message);
    expect(await verifier.verify(alice.did, message, signature)).toBe(true);
    expect(await verifier.verify(alice.did, utf8('massage'), signature)).toBe(false);
    imported.mockClear();
    for (let i = 0; i < 2; i++) {
      // The second time it is forgotten, since it was admitted only once, and refused by admission.
      expect(await verifier.verify(torsioned, message, signature)).toBe(false);
      await verifier.verify(alice.did, message, signature);
    }
    expect(imported).toHaveBeenCalledTimes(3);
  });

  test('says so where WebCrypto or its Ed25519 is missing', async () => {
    const alice = await signer(1);
    vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(
      new DOMException('', 'NotSupportedError'),
    );
    await expect(createVerifier().verify(alice.did, message, new Uint8Array(64))).rejects.toThrow(
      /no Ed25519/,
    );
    await expect(signer(1)).rejects.toThrow(/no Ed25519/);
    vi.stubGlobal('crypto', undefined);
    expect(() => createVerifier()).toThrow(/no WebCrypto/);
  });

  test('has room for at least one key', () => {
    expect(() => createVerifier({ cacheSize: 0 })).toThrow(RangeError);
  });
});

test('a seed has 32 bytes', async () => {
  await expect(createSigner(new Uint8Array(31))).rejects.toThrow(RangeError);
});
