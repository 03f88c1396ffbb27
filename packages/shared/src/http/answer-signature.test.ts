import { describe, expect, test } from 'vitest';
import { utf8 } from '../encoding/bytes.ts';
import { createSigner, createVerifier } from '../identity/signing.ts';
import {
  type AnsweredRequest,
  acceptSignature,
  readAcceptSignature,
  signAnswer,
  verifyAnswer,
} from './answer-signature.ts';
import { contentDigest } from './signature.ts';

const ledger = await createSigner(new Uint8Array(32).fill(1));
const other = await createSigner(new Uint8Array(32).fill(2));
const verifier = createVerifier();
const request: AnsweredRequest = {
  method: 'POST',
  path: '/v1/tasks/x/objection?a=1',
  digest: contentDigest(utf8('{}')),
  nonce: 'A'.repeat(22),
};
const body = utf8('{"ok":true}');

async function signed(change: Partial<Parameters<typeof signAnswer>[0]> = {}) {
  const answer = { request, status: 200, body, now: 1_800_000_000_000, signer: ledger, ...change };
  return new Headers(await signAnswer(answer));
}

function check(headers: Headers, change: Partial<Parameters<typeof verifyAnswer>[0]> = {}) {
  const header = (name: string) => headers.get(name);
  return verifyAnswer({ request, status: 200, body, header, by: ledger.did, ...change }, verifier);
}

describe('an answer that is signed', () => {
  test('is its signer’s, to this request', async () => {
    expect(await check(await signed())).toEqual({ ok: true, value: undefined });
    const { digest: _, ...bare } = request;
    const plain = { ...bare, path: '/v1/network' };
    expect(await check(await signed({ request: plain }), { request: plain })).toMatchObject({
      ok: true,
    });
  });

  test.each<[string, Partial<Parameters<typeof verifyAnswer>[0]>, string]>([
    ['with another status', { status: 404 }, 'signature-invalid'],
    ['with other bytes', { body: utf8('{"ok":false}') }, 'content-digest-wrong'],
    ['to another path', { request: { ...request, path: '/v1/tasks/y' } }, 'signature-invalid'],
    [
      'to another query',
      { request: { ...request, path: `${request.path}2` } },
      'signature-invalid',
    ],
    ['to another method', { request: { ...request, method: 'GET' } }, 'signature-invalid'],
    [
      'to another body',
      { request: { ...request, digest: contentDigest(utf8('x')) } },
      'signature-invalid',
    ],
    [
      'to an older request',
      { request: { ...request, nonce: 'B'.repeat(22) } },
      'signature-invalid',
    ],
    ['by another', { by: other.did }, 'signature-invalid'],
  ])('is refused %s', async (_, change, code) => {
    expect(await check(await signed(), change)).toMatchObject({ ok: false, code });
  });

  test('is refused without its signature, or under another’s name', async () => {
    expect(await check(new Headers())).toMatchObject({ code: 'signature-missing' });
    const odd = new Headers({ 'signature-input': 'zs=()', signature: 'zs=:AA==:' });
    expect(await check(odd)).toMatchObject({ code: 'signature-malformed' });
    const forged = await signed({ signer: other });
    const input = forged.get('signature-input') ?? '';
    forged.set('signature-input', input.replace(other.did, ledger.did));
    expect(await check(forged)).toMatchObject({ code: 'signature-invalid' });
  });
});

test('a request says which answer it wants signed, and nothing else is taken for it', () => {
  expect(readAcceptSignature(acceptSignature(request))).toEqual({
    nonce: request.nonce,
    withDigest: true,
  });
  const { digest: _, ...bare } = request;
  expect(readAcceptSignature(acceptSignature(bare))?.withDigest).toBe(false);
  for (const odd of ['', 'zs=()', acceptSignature(request).replace('"@path";req ', '')]) {
    expect(readAcceptSignature(odd)).toBeNull();
  }
});
