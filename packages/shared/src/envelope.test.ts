import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { encodeBase64url, utf8 } from './encoding/bytes.ts';
import { jcs } from './encoding/jcs.ts';
import {
  cosign,
  type Envelope,
  idOf,
  type OpenOptions,
  openEnvelope,
  sealEnvelope,
  verifySignature,
} from './envelope.ts';
import { createSigner, createVerifier, type Signer } from './identity/signing.ts';

const NETWORK = 'zs-aaaaaaaaaaaaaaaa';
const schema = z.strictObject({ ch: z.string(), cum: z.string().regex(/^[0-9]+$/) });
type Body = z.infer<typeof schema>;
const body: Body = { ch: 'c', cum: '5' };
const verifier = createVerifier();

let alice: Signer;
let bob: Signer;
let sealed: Envelope<Body>;
beforeAll(async () => {
  alice = await createSigner(new Uint8Array(32).fill(1));
  bob = await createSigner(new Uint8Array(32).fill(2));
  sealed = await sealEnvelope(NETWORK, 'paych.voucher', body, alice);
});

function open(raw: unknown, options: OpenOptions<Body> = {}, type = 'paych.voucher') {
  return openEnvelope(NETWORK, raw, schema, type, verifier, options);
}

describe('an envelope', () => {
  test('opens with its id, as a value, as text and as bytes', async () => {
    const id = idOf(NETWORK, 'paych.voucher', body);
    for (const raw of [sealed, jcs(sealed), utf8(jcs(sealed))]) {
      const opened = await open(raw, { by: [alice.did] });
      expect(opened).toEqual({ ok: true, value: { id, envelope: sealed, body } });
    }
  });

  test('has an id that no signature changes', async () => {
    const both = await cosign(NETWORK, sealed, bob);
    const opened = await open(both);
    expect(opened.ok && opened.value.id).toBe(idOf(NETWORK, 'paych.voucher', body));
    expect(await cosign(NETWORK, both, bob)).toBe(both);
  });

  test('means nothing as another type or on another network', async () => {
    const schemaOfAny = schema as z.ZodType<Body>;
    const renamed = { ...sealed, type: 'paych.close1' };
    expect(await open(renamed, {}, 'paych.close1')).toMatchObject({ code: 'signature-invalid' });
    expect(
      await openEnvelope('zs-bbbbbbbbbbbbbbbb', sealed, schemaOfAny, 'paych.voucher', verifier),
    ).toMatchObject({ code: 'signature-invalid' });
  });

  test('with any bit of its signature or letter of its body changed is refused', async () => {
    const [entry] = sealed.sigs;
    const sig = entry?.sig ?? '';
    await fc.assert(
      fc.asyncProperty(fc.nat(85), fc.nat(63), async (at, letter) => {
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        const changed = sig.slice(0, at) + alphabet.charAt(letter) + sig.slice(at + 1);
        const opened = await open({ ...sealed, sigs: [{ by: alice.did, sig: changed }] });
        expect(opened.ok).toBe(changed === sig);
      }),
      { numRuns: 300 },
    );
    expect(await open({ ...sealed, body: { ...body, cum: '6' } })).toMatchObject({
      code: 'signature-invalid',
      detail: alice.did,
    });
  });

  test('checks one signature apart from its envelope as well', async () => {
    const [entry] = sealed.sigs;
    if (entry === undefined) throw new Error('unsigned');
    expect(await verifySignature(NETWORK, 'paych.voucher', body, entry, verifier)).toBe(true);
    const other = { ...body, cum: '6' };
    expect(await verifySignature(NETWORK, 'paych.voucher', other, entry, verifier)).toBe(false);
  });
});

describe('before any signature is checked', () => {
  const strangers = {
    verify: () => Promise.reject(new Error('a signature was checked')),
  };
  const cheap = (raw: unknown, options: OpenOptions<Body> = {}) =>
    openEnvelope(NETWORK, raw, schema, 'paych.voucher', strangers, options);

  test.each([
    ['not an object', () => 7, 'envelope-invalid', '$'],
    ['not JSON', () => '{', 'envelope-invalid', 'json-invalid'],
    ['bytes that are not UTF-8', () => Uint8Array.of(0xff), 'envelope-invalid', 'utf-8'],
    [
      'a member twice',
      () => jcs(sealed).replace('{', '{"type":"x",'),
      'envelope-invalid',
      'json-duplicate-key',
    ],
    ['text with spaces', () => JSON.stringify(sealed, null, 1), 'not-canonical', '$'],
    ['a member too many', () => ({ ...sealed, note: '' }), 'envelope-invalid', '$'],
    ['a type that is no text', () => ({ ...sealed, type: 1 }), 'envelope-invalid', 'type'],
    ['no signature', () => ({ ...sealed, sigs: [] }), 'envelope-invalid', 'sigs'],
    [
      'seventeen signatures',
      () => ({ ...sealed, sigs: new Array(17).fill(sealed.sigs[0]) }),
      'envelope-invalid',
      'sigs',
    ],
    [
      'a signer that is no DID',
      () => ({ ...sealed, sigs: [{ by: 'x', sig: 'A'.repeat(86) }] }),
      'envelope-invalid',
      'sigs',
    ],
    [
      'a short signature',
      () => ({ ...sealed, sigs: [{ by: alice.did, sig: 'AAAA' }] }),
      'envelope-invalid',
      'sigs',
    ],
    ['another type', () => ({ ...sealed, type: 'x' }), 'type-wrong', 'x'],
    ['a wrong field', () => ({ ...sealed, body: { ch: 'c', cum: 'x' } }), 'body-invalid', 'cum'],
    ['a missing field', () => ({ ...sealed, body: { ch: 'c' } }), 'body-invalid', 'cum'],
    [
      'an unknown field',
      () => ({ ...sealed, body: { ...body, memo: '' } }),
      'body-invalid',
      'memo',
    ],
    [
      'a body of numbers',
      () => ({ ...sealed, body: { ch: 'c', cum: 5 } }),
      'not-canonical',
      '$.cum',
    ],
    [
      'a signer twice',
      () => ({ ...sealed, sigs: [...sealed.sigs, ...sealed.sigs] }),
      'duplicate-signer',
      undefined,
    ],
  ])('refuses %s', async (_, raw, code, detail) => {
    const opened = await cheap(raw());
    expect(opened).toMatchObject(
      detail === undefined ? { ok: false, code } : { ok: false, code, detail },
    );
  });

  test('a required signer must be there, and nobody else may', async () => {
    expect(await cheap(sealed, { by: [bob.did] })).toMatchObject({
      code: 'signer-missing',
      detail: bob.did,
    });
    expect(await cheap(sealed, { among: [bob.did] })).toMatchObject({ code: 'signer-unexpected' });
    expect(await cheap(sealed, { by: () => [], among: [] })).toMatchObject({
      code: 'signer-unexpected',
    });
    const both = await cosign(NETWORK, sealed, bob);
    expect(await cheap(both, { by: [alice.did] })).toMatchObject({
      code: 'signer-unexpected',
      detail: bob.did,
    });
    expect(await cheap(both, { maxSigs: 1 })).toMatchObject({ code: 'envelope-invalid' });
    expect(
      await open(both, {
        by: (opened) => (opened.ch === 'c' ? [alice.did] : []),
        among: [bob.did],
      }),
    ).toMatchObject({ ok: true });
  });
});

test('a schema that strips or changes a signed body is found out', async () => {
  const strips = z.object({ ch: z.string() });
  const opened = await openEnvelope(NETWORK, sealed, strips, 'paych.voucher', verifier);
  expect(opened).toMatchObject({ ok: false, code: 'not-canonical' });
});

test('one bad signature among good ones spoils the envelope', async () => {
  const both = await cosign(NETWORK, sealed, bob);
  const forged = encodeBase64url(await bob.sign(utf8('something else')));
  const sigs = both.sigs.map((entry) => (entry.by === bob.did ? { ...entry, sig: forged } : entry));
  expect(await open({ ...both, sigs })).toMatchObject({
    code: 'signature-invalid',
    detail: bob.did,
  });
});

test('a body that cannot be signed is a bug, said by its path', async () => {
  expect(() => idOf(NETWORK, 't', { a: 1 })).toThrow(/strict-shape at \$\.a/);
  await expect(sealEnvelope(NETWORK, 't', { a: null }, alice)).rejects.toThrow(TypeError);
});
