/** Requests whose answers only the ledger can give: a gateway may keep them, and not change them. */
import {
  acceptSignature,
  contentDigest,
  encodeBase64url,
  type NetworkAnswer,
  networkAnswerSchema,
  networkId,
  type Verifier,
  verifyAnswer,
} from '@zerostate/shared';
import { readBytes } from '../http/answer.ts';
import { ANSWER_BYTES_MAX } from '../limits.ts';
import type { Fetch, Rng } from '../ports.ts';

/** An answer that its ledger did not sign, or signed for something else. */
export class ForgedAnswer extends Error {
  override name = 'ForgedAnswer';
}

/** An edge that had no time for the request, and none to sign that. */
export class EdgeBusy extends Error {
  override name = 'EdgeBusy';
}

export interface LedgerAsked {
  fetch: Fetch;
  /** URL of the edge. */
  origin: string;
  rng: Rng;
  verifier: Verifier;
}

/** The bytes of one blob are the largest answer there is. */
const BYTES_MAX = 2 * ANSWER_BYTES_MAX;

/**
 * Asks for a signed answer and gives it only if it is one. `ledgerOf` says who has to have signed
 * it, from what is in it where nobody knows that yet.
 */
export async function askLedger(
  { fetch, origin, rng, verifier }: LedgerAsked,
  url: string,
  init: RequestInit,
  ledgerOf: (body: Uint8Array) => string,
): Promise<Response> {
  const base = origin.endsWith('/') ? origin.slice(0, -1) : origin;
  const body =
    init.body == null ? undefined : new Uint8Array(await new Response(init.body).arrayBuffer());
  const digest = body === undefined ? undefined : contentDigest(body);
  const request = {
    method: init.method ?? 'GET',
    path: url.slice(base.length),
    digest,
    nonce: encodeBase64url(rng.bytes(16)),
  };
  const headers = new Headers(init.headers);
  headers.set('accept-signature', acceptSignature(request));
  if (digest !== undefined) headers.set('content-digest', digest);
  const response = await fetch(url, {
    ...init,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const bytes = await readBytes(response, BYTES_MAX);
  if (bytes === null) throw new ForgedAnswer(`an answer of more than ${BYTES_MAX} bytes`);
  const verified = await verifyAnswer(
    {
      request,
      status: response.status,
      body: bytes,
      header: (name) => response.headers.get(name),
      by: ledgerOf(bytes),
    },
    verifier,
  );
  if (!verified.ok && isBusy(response)) throw new EdgeBusy(`status ${response.status}`);
  if (!verified.ok) throw new ForgedAnswer(`status ${response.status}: ${verified.code}`);
  const { status, headers: answered } = response;
  const isBodyless = status === 204 || status === 205 || status === 304;
  return new Response(isBodyless ? null : bytes, { status, headers: answered });
}

/** Refused before anything was looked at: by a rate, or by a proxy whose edge is away. */
function isBusy({ status, headers }: Response): boolean {
  return (status === 429 || status >= 500) && !headers.has('signature');
}

/**
 * The network behind an edge: its id is the hash of the genesis, the genesis names the ledger, and
 * the ledger has signed the answer. With `network` only that one will do.
 */
export async function askNetwork(
  asked: LedgerAsked,
  network: string | undefined,
  signal?: AbortSignal,
): Promise<NetworkAnswer> {
  const url = `${asked.origin.replace(/\/$/, '')}/v1/network`;
  let answer: NetworkAnswer | undefined;
  await askLedger(asked, url, signal === undefined ? {} : { signal }, (body) => {
    answer = readNetwork(body, network);
    return answer.genesis.ledger;
  });
  if (answer === undefined) throw new ForgedAnswer('no network');
  return answer;
}

function readNetwork(body: Uint8Array, network: string | undefined): NetworkAnswer {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw new ForgedAnswer('not JSON');
  }
  const parsed = networkAnswerSchema.safeParse(json);
  if (!parsed.success) throw new ForgedAnswer('not a network');
  const { genesis, network: named } = parsed.data;
  if (networkId(genesis) !== named) throw new ForgedAnswer('the id is not that of its genesis');
  if (network !== undefined && named !== network) throw new ForgedAnswer(`network ${named}`);
  return parsed.data;
}
