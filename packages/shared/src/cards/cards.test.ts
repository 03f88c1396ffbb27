import { beforeAll, describe, expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url, fromUtf8, utf8 } from '../encoding/bytes.ts';
import { jcs } from '../encoding/jcs.ts';
import { createSigner, createVerifier, type Signer } from '../identity/signing.ts';
import {
  type AgentCard,
  buildAgentCard,
  EXECUTOR_EXTENSION,
  type ExecutorParams,
  validateA2aCard,
  validateAgentCard,
} from './agent-card.ts';
import { type CardSignature, cardPayload, signCard, verifyCard } from './jws.ts';

const params: ExecutorParams = {
  meter: `zsm1-${'A'.repeat(43)}`,
  price: { base: '100', per_mgas: '5', per_page: '1' },
  limits: {
    gas_max: '1000000',
    pages_max: '64',
    wall_ms_max: '5000',
    input_max: '65536',
    output_max: '65536',
  },
  regions: ['eu-west'],
  mesh: ['/ip4/127.0.0.1/tcp/4001'],
  programs: [
    {
      skill: 'digest',
      module: 'A'.repeat(43),
      abi: 'wasi',
      input: ['application/octet-stream'],
      output: ['text/plain'],
    },
    {
      skill: 'answer',
      module: 'A'.repeat(43),
      abi: 'call',
      fn: 'hello',
      input: [],
      output: ['text/plain'],
    },
  ],
};
const skill = (id: string) => ({ id, name: id, description: `Does ${id}`, tags: [id] });
const card = buildAgentCard({
  name: 'Digest',
  description: 'SHA-256 of a file',
  version: '1.0.0',
  url: 'https://edge.example/v1/tasks',
  skills: [skill('digest'), skill('answer')],
  params,
});

const verifier = createVerifier();
let alice: Signer;
let bob: Signer;
let signed: AgentCard & { signatures: CardSignature[] };
beforeAll(async () => {
  alice = await createSigner(new Uint8Array(32).fill(1));
  bob = await createSigner(new Uint8Array(32).fill(2));
  signed = await signCard(card, alice);
});

describe('a signed card', () => {
  test('is its DID’s own, after a trip through JSON too', async () => {
    expect(await verifyCard(signed, alice.did, verifier)).toEqual({ ok: true, value: undefined });
    const received = JSON.parse(JSON.stringify(signed));
    expect(await verifyCard(received, alice.did, verifier)).toMatchObject({ ok: true });
    expect(validateAgentCard(received)).toMatchObject({ ok: true, value: { params } });
  });

  test('has the header that A2A 1.0 asks for, and no key or address of its own', () => {
    const [entry] = signed.signatures;
    const header = decodeBase64url(entry?.protected ?? '');
    const text = header.ok ? fromUtf8(header.value) : header;
    const method = `${alice.did}#${alice.did.slice('did:key:'.length)}`;
    expect(text.ok && JSON.parse(text.value)).toEqual({ alg: 'EdDSA', kid: method, typ: 'JOSE' });
  });

  test('of somebody else, or changed, or unsigned, is not', async () => {
    const codeOf = async (value: AgentCard, did: string) => {
      const verified = await verifyCard(value, did, verifier);
      return verified.ok ? 'valid' : verified.code;
    };
    expect(await codeOf(signed, bob.did)).toBe('card-signature-key');
    expect(await codeOf({ ...signed, name: 'Digest!' }, alice.did)).toBe('card-signature-invalid');
    expect(await codeOf({ ...signed, addedLater: true }, alice.did)).toBe('card-signature-invalid');
    expect(await codeOf(card, alice.did)).toBe('card-unsigned');
    const [entry] = (await signCard(card, bob)).signatures;
    // Bob's signature under Alice's key id.
    const forged = {
      protected: signed.signatures[0]?.protected ?? '',
      signature: entry?.signature ?? '',
    };
    expect(await codeOf({ ...card, signatures: [forged] }, alice.did)).toBe(
      'card-signature-invalid',
    );
  });

  test('keeps its signature beside one that is broken or by others', async () => {
    const mine = signed.signatures[0] ?? { protected: '', signature: '' };
    const [theirs] = (await signCard(card, bob)).signatures;
    const signatures = [{ protected: '!', signature: '' }, theirs ?? mine, mine];
    expect(await verifyCard({ ...card, signatures }, alice.did, verifier)).toMatchObject({
      ok: true,
    });
  });

  test.each([
    ['null', null],
    ['a number', 7],
    ['an array', []],
    ['no header', { signature: 'A'.repeat(86) }],
    ['no signature', { protected: 'e30' }],
    ['a header that is no JSON', { protected: 'AAAA', signature: 'A'.repeat(86) }],
    ['a header that is an array', { protected: 'W10', signature: 'A'.repeat(86) }],
    ['an oversized header', { protected: 'A'.repeat(1028), signature: 'A'.repeat(86) }],
  ])('refuses a signature that is %s', async (_, entry) => {
    const strange = { ...card, signatures: [entry] };
    const verified = await verifyCard(strange, alice.did, verifier);
    expect(verified).toEqual({ ok: false, code: 'card-signature-header' });
  });

  test.each([
    ['jku, which is never fetched', { jku: 'https://evil.example/keys' }, 'valid'],
    ['a key that it brings along, which is not used', { jwk: { kty: 'OKP' } }, 'valid'],
    ['the name of RFC 9864', { alg: 'Ed25519' }, 'valid'],
    ['no algorithm', { alg: 'none' }, 'card-signature-header'],
    ['another algorithm', { alg: 'HS256' }, 'card-signature-header'],
    [
      'an extension that must be understood',
      { crit: ['b64'], b64: false },
      'card-signature-header',
    ],
    ['a key id of another DID', { kid: 'did:key:z#z' }, 'card-signature-key'],
    ['a key id that is the bare DID', { kid: 'bare' }, 'card-signature-key'],
  ])('whose header has %s', async (_, changes, expected) => {
    const method = `${alice.did}#${alice.did.slice('did:key:'.length)}`;
    const header = { alg: 'EdDSA', kid: method, typ: 'JOSE', ...changes };
    const protectedHeader = encodeBase64url(utf8(JSON.stringify(header)));
    const input = utf8(`${protectedHeader}.${encodeBase64url(cardPayload(card))}`);
    const signature = encodeBase64url(await alice.sign(input));
    const signatures = [{ protected: protectedHeader, signature }];
    const verified = await verifyCard({ ...card, signatures }, alice.did, verifier);
    expect(verified.ok ? 'valid' : verified.code).toBe(expected);
  });

  test('signs the same bytes whether unset fields are left out or hold their default', () => {
    const verbose: AgentCard = {
      ...card,
      securityRequirements: [],
      securitySchemes: {},
      supportedInterfaces: card.supportedInterfaces.map((entry) => ({ ...entry, tenant: '' })),
      skills: card.skills.map((entry) => ({
        ...entry,
        examples: [],
        inputModes: [],
        outputModes: [],
      })),
    };
    expect(encodeBase64url(cardPayload(verbose))).toBe(encodeBase64url(cardPayload(card)));
  });

  test('keeps required and explicit members, as the example of A2A 8.4.1 does', () => {
    const fragment = {
      name: 'Example Agent',
      description: '',
      capabilities: { streaming: false, pushNotifications: false, extensions: [] },
      skills: [],
    };
    const payload = fromUtf8(cardPayload(fragment));
    expect(payload.ok && payload.value).toBe(
      '{"capabilities":{"pushNotifications":false,"streaming":false},"description":"","name":"Example Agent","skills":[]}',
    );
  });
});

describe('a card is refused by its field', () => {
  const withParams = (changes: object): unknown => ({
    ...card,
    capabilities: { extensions: [{ uri: EXECUTOR_EXTENSION, params: { ...params, ...changes } }] },
  });
  const program = params.programs[0];
  test.each<[string, unknown, string, string]>([
    ['no card', 'card', 'card-invalid', '$'],
    ['without a name', { ...card, name: undefined }, 'card-invalid', 'name'],
    ['with a line break in its name', { ...card, name: 'a\nb' }, 'card-invalid', 'name'],
    [
      'with 65 tags',
      { ...card, skills: [{ ...skill('digest'), tags: Array.from({ length: 65 }, () => 'x') }] },
      'card-invalid',
      'skills.0.tags',
    ],
    [
      'with an address that runs code',
      { ...card, documentationUrl: 'javascript:alert(1)' },
      'card-invalid',
      'documentationUrl',
    ],
    [
      'without an interface',
      { ...card, supportedInterfaces: [] },
      'card-invalid',
      'supportedInterfaces',
    ],
    ['of 64 KiB', { ...card, note: 'x'.repeat(65_536) }, 'card-too-large', '$'],
    [
      'without our binding',
      {
        ...card,
        supportedInterfaces: [
          { url: 'https://a.example', protocolBinding: 'GRPC', protocolVersion: '1.0' },
        ],
      },
      'card-binding-missing',
      'supportedInterfaces',
    ],
    [
      'without our extension',
      { ...card, capabilities: {} },
      'card-extension-missing',
      'capabilities.extensions',
    ],
    [
      'with our extension twice',
      {
        ...card,
        capabilities: {
          extensions: [
            ...(card.capabilities.extensions ?? []),
            ...(card.capabilities.extensions ?? []),
          ],
        },
      },
      'card-extension-missing',
      'capabilities.extensions',
    ],
    [
      'with a price that is a number',
      withParams({ price: { base: 1, per_mgas: '0', per_page: '0' } }),
      'card-invalid',
      'params.price.base',
    ],
    [
      'with a negative price',
      withParams({ price: { base: '-1', per_mgas: '0', per_page: '0' } }),
      'card-invalid',
      'params.price.base',
    ],
    [
      'with a price of 2^53',
      withParams({ price: { base: '9007199254740992', per_mgas: '0', per_page: '0' } }),
      'card-invalid',
      'params.price.base',
    ],
    ['with an unknown term', withParams({ discount: '1' }), 'card-invalid', 'params.$'],
    ['without programs', withParams({ programs: [] }), 'card-invalid', 'params.programs'],
    [
      'with a program of no skill',
      withParams({ programs: [{ ...program, skill: 'lost' }] }),
      'card-program-skill',
      'lost',
    ],
    [
      'with a function for wasi',
      withParams({ programs: [{ ...program, fn: 'x' }] }),
      'card-invalid',
      'params.programs.0.fn',
    ],
    [
      'with a call of nothing',
      withParams({ programs: [{ ...program, abi: 'call' }] }),
      'card-invalid',
      'params.programs.0.fn',
    ],
    [
      'with a module that is no hash',
      withParams({ programs: [{ ...program, module: 'x' }] }),
      'card-invalid',
      'params.programs.0.module',
    ],
  ])('%s', (_, value, code, detail) => {
    expect(validateAgentCard(value)).toEqual({ ok: false, code, detail });
  });

  test('any A2A 1.0 card is readable, and unknown members stay because they are signed', () => {
    const foreign = { ...card, capabilities: {}, futureField: { a: 1 } };
    const read = validateA2aCard(foreign);
    expect(read.ok && jcs(read.value)).toBe(jcs(foreign));
    expect(validateA2aCard({ ...card, note: 1n })).toMatchObject({ code: 'card-invalid' });
  });
});
