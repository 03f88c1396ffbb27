/** Requests that no honest client makes, for any route: whatever they are, the answer is a problem. */
import fc from 'fast-check';

export type JunkRequest = {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer> | null;
};

/** A route as `/openapi.json` names it. */
export type JunkRoute = { method: string; path: string };

const encoder = new TextEncoder();

/** Texts that break parsers, databases and templates. */
const nastyText = fc.oneof(
  fc.constantFrom(
    '',
    '\u0000',
    '__proto__',
    'constructor',
    "' OR 1=1 --",
    '../../etc/passwd',
    '%00',
    '\ud800',
    'A'.repeat(5_000),
    '-0',
    '1e999',
    'did:key:z6Mk',
  ),
  fc.string({ unit: 'binary', maxLength: 64 }),
);

const nastyJson = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '1e999',
    '{"a":1,"a":2}',
    '{"__proto__":{"x":1}}',
    '{"\u0000":"\u0000"}',
    '['.repeat(2_000),
    `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`,
    '{"text":"\\ud800"}',
  ),
  fc.json({ maxDepth: 4 }),
);

const envelope = fc.record({
  type: fc.constantFrom('card.record', 'task.manifest', 'paych.cond', 'paych.open', 'x'),
  body: fc.dictionary(fc.constantFrom('did', 'ch', 'lane', 'seq', 'cum', 'x'), nastyText),
  sigs: fc.array(
    fc.record({
      by: fc.constantFrom(
        'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK',
        'did:key:z6Mk',
      ),
      sig: fc.constantFrom('A'.repeat(86), 'B'.repeat(86), ''),
    }),
    { maxLength: 3 },
  ),
});

/** The members that requests of this API have, with anything in them. */
const shapedJson = fc
  .dictionary(
    fc.constantFrom(
      'record',
      'card',
      'manifest',
      'cond',
      'input',
      'open',
      'cancel',
      'voucher',
      'redemptions',
      'close',
      'close1',
      'receipt',
      'objection',
      'amount',
      'credit',
      'text',
      'k',
      'filters',
    ),
    fc.oneof(envelope, fc.array(envelope, { maxLength: 2 }), fc.jsonValue(), nastyText),
    { maxKeys: 5 },
  )
  .map((value) => JSON.stringify(value));

const body = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 256 }).map((bytes) => new Uint8Array(bytes)),
  nastyJson.map((text) => encoder.encode(text)),
  shapedJson.map((text) => encoder.encode(text)),
);

/** Values that HTTP itself carries. */
const headerText = nastyText.map((text) => text.replaceAll(/[^\x20-\x7e]/g, '?').trim());

const headers = fc.record(
  {
    'content-type': fc.constantFrom('application/json', 'text/plain', 'application/json; x'),
    'idempotency-key': headerText,
    signature: headerText,
    'signature-input': headerText,
    'content-digest': headerText,
    'x-request-id': headerText,
    traceparent: headerText,
    'x-forwarded-for': headerText,
    'if-none-match': headerText,
    origin: fc.constant('https://elsewhere.example'),
  },
  { requiredKeys: [] },
);

const query = fc.oneof(
  fc.constant(''),
  fc
    .array(fc.tuple(fc.constantFrom('wait', 'cursor', 'did', 'after', 'limit', 'x'), nastyText), {
      maxLength: 3,
    })
    .map((pairs) => `?${pairs.map(([key, value]) => `${key}=${percentEncode(value)}`).join('&')}`),
);

/** encodeURIComponent that also takes lone surrogates. */
function percentEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

const someHash = fc.constant('A'.repeat(43));
const someDid = fc.constant('did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK');
const parameter = fc.oneof(nastyText.map(percentEncode), someHash, someDid, fc.constant('agent'));

/** Junk for one route: its own method or another, its parameters filled with anything. */
export function junkRequest(route: JunkRoute): fc.Arbitrary<JunkRequest> {
  const names = route.path.match(/\{[^}]+\}/g) ?? [];
  return fc.record({
    method: fc.oneof(
      { weight: 9, arbitrary: fc.constant(route.method.toUpperCase()) },
      { weight: 1, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH') },
    ),
    path: fc
      .tuple(fc.array(parameter, { minLength: names.length, maxLength: names.length }), query)
      .map(([values, search]) => {
        let index = 0;
        const path = route.path.replaceAll(/\{[^}]+\}/g, () => values[index++] ?? 'x');
        return path + search;
      }),
    headers,
    body,
  });
}

/** As `fetch` takes it; a GET has no body. */
export function toInit(request: JunkRequest): RequestInit {
  const { method, headers, body } = request;
  const withBody = body !== null && method !== 'GET';
  return { method, headers, ...(withBody ? { body } : {}) };
}

/** What is wrong with an answer to junk, null when nothing is. */
export async function faultOf(response: Response): Promise<string | null> {
  if (response.status >= 500 && response.status !== 503) return `status ${response.status}`;
  if (response.status < 400) return null;
  const type = response.headers.get('content-type') ?? 'nothing';
  // Headers above 16 KiB: Bun's own parser refuses them, without a body, before any of our code.
  if (response.status === 431 && type === 'nothing') return null;
  if (type !== 'application/problem+json') return `answered ${response.status} as ${type}`;
  const problem: unknown = await response.json();
  const isProblem =
    typeof problem === 'object' &&
    problem !== null &&
    'code' in problem &&
    typeof problem.code === 'string' &&
    'status' in problem &&
    problem.status === response.status;
  return isProblem ? null : `not a problem: ${JSON.stringify(problem).slice(0, 200)}`;
}
