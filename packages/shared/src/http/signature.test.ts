import { describe, expect, test } from 'vitest';
import { utf8 } from '../encoding/bytes.ts';
import { createSigner, createVerifier } from '../identity/signing.ts';
import { type ReceivedRequest, type SignRequest, signRequest, verifyRequest } from './signature.ts';

const NOW = 1_790_000_000_000;
const NONCE = 'AAAAAAAAAAAAAAAAAAAAAA';
const URL_SIGNED = 'https://edge.example/v1/tasks/abc?wait=30';

async function signed(change: Partial<SignRequest> = {}) {
  const signer = await createSigner(new Uint8Array(32).fill(7));
  const request = { method: 'GET', url: URL_SIGNED, now: NOW, signer, ...change };
  return { did: signer.did, headers: await signRequest(request) };
}

function received(
  headers: Record<string, string>,
  change: Partial<ReceivedRequest> = {},
): ReceivedRequest {
  return {
    method: 'GET',
    urls: [URL_SIGNED],
    now: NOW,
    header: (name) => headers[name],
    ...change,
  };
}

const verifier = createVerifier();

describe('a signed request', () => {
  test('names its signer on every origin the edge answers to', async () => {
    const { did, headers } = await signed();
    const urls = ['https://other.example/v1/tasks/abc?wait=30', URL_SIGNED];
    const who = await verifyRequest(received(headers, { urls }), verifier);
    expect(who).toMatchObject({ ok: true, value: { did, created: NOW } });
  });

  test('covers its body and its nonce', async () => {
    const body = utf8('{"amount":"1"}');
    const { headers } = await signed({ method: 'POST', body, nonce: NONCE });
    const post = { method: 'POST', body };
    expect(await verifyRequest(received(headers, post), verifier)).toMatchObject({
      ok: true,
      value: { nonce: NONCE },
    });
    const other = received(headers, { method: 'POST', body: utf8('{"amount":"2"}') });
    expect(await verifyRequest(other, verifier)).toMatchObject({ code: 'content-digest-wrong' });
    const renamed = {
      ...headers,
      'signature-input': String(headers['signature-input']).replace('AA', 'BB'),
    };
    expect(await verifyRequest(received(renamed, post), verifier)).toMatchObject({
      code: 'signature-invalid',
    });
  });

  test.each<[string, Partial<ReceivedRequest>, string]>([
    ['another method', { method: 'DELETE' }, 'signature-invalid'],
    [
      'another target',
      { urls: ['https://edge.example/v1/tasks/abd?wait=30'] },
      'signature-invalid',
    ],
    ['a clock 61 s later', { now: NOW + 61_000 }, 'signature-expired'],
    ['a clock 61 s earlier', { now: NOW - 61_000 }, 'signature-expired'],
    ['a body that nobody signed', { body: utf8('x') }, 'content-digest-wrong'],
    ['no headers', { header: () => null }, 'signature-missing'],
  ])('is refused with %s', async (_name, change, code) => {
    const { headers } = await signed();
    expect(await verifyRequest(received(headers, change), verifier)).toMatchObject({
      ok: false,
      code,
    });
  });

  test('is refused when a POST has no nonce or covers no target', async () => {
    const { headers } = await signed({ method: 'POST' });
    expect(await verifyRequest(received(headers, { method: 'POST' }), verifier)).toMatchObject({
      code: 'nonce-missing',
    });
    const get = await signed();
    const bare = {
      ...get.headers,
      'signature-input': String(get.headers['signature-input']).replace(' "@target-uri"', ''),
    };
    expect(await verifyRequest(received(bare), verifier)).toMatchObject({
      code: 'signature-malformed',
    });
  });
});
