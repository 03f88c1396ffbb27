/**
 * HTTP Message Signatures as ZeroState uses them: RFC 9421 with one label, one algorithm and a fixed
 * list of components, and Content-Digest (RFC 9530) where there is a body.
 *
 *     Signature-Input: zs=("@method" "@target-uri" "content-digest");created=…;keyid="did:key:…";alg="ed25519";nonce="…"
 *     Signature: zs=:base64:
 *
 * The shape is fixed on purpose: a verifier that accepts a caller's own list of components can be
 * talked into checking a signature over nothing.
 */
import { base64 } from '@scure/base';
import { sha256, utf8 } from '../encoding/bytes.ts';
import { isDid } from '../identity/did-key.ts';
import type { Signer, Verifier } from '../identity/signing.ts';
import { SIGNATURE_AGE_MS_MAX } from '../limits.ts';
import { err, ok, type Result } from '../result.ts';

export interface SignRequest {
  readonly method: string;
  /** The absolute URL, exactly as it is requested. */
  readonly url: string;
  /** The bytes that are sent; a request without a body signs no digest. */
  readonly body?: Uint8Array | undefined;
  /** Now, ms since the epoch. */
  readonly now: number;
  /** Required on POST: 16 random bytes in base64url. */
  readonly nonce?: string | undefined;
  readonly signer: Signer;
}

export interface ReceivedRequest {
  readonly method: string;
  /** The URLs this request may have been signed for: one for each public origin of the edge. */
  readonly urls: readonly string[];
  readonly body?: Uint8Array | undefined;
  readonly now: number;
  readonly header: (name: string) => string | null | undefined;
}

export interface SignedRequest {
  readonly did: string;
  readonly nonce: string | undefined;
  /** ms since the epoch. */
  readonly created: number;
}

export type HttpSignatureCode =
  | 'signature-missing'
  | 'signature-malformed'
  | 'signature-expired'
  | 'signature-invalid'
  | 'content-digest-wrong'
  | 'nonce-missing';

/** RFC 9530: the digest of the content as a structured field. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${base64.encode(sha256(body))}:`;
}

/** Headers that sign a request; add them to it unchanged. */
export async function signRequest(request: SignRequest): Promise<Record<string, string>> {
  const digest = request.body === undefined ? undefined : contentDigest(request.body);
  const nonce = request.nonce === undefined ? '' : `;nonce="${request.nonce}"`;
  const parameters =
    `${componentsOf(digest)};created=${Math.floor(request.now / 1000)}` +
    `;keyid="${request.signer.did}";alg="ed25519"${nonce}`;
  const base = signatureBase(request.method, request.url, digest, parameters);
  const signature = await request.signer.sign(utf8(base));
  return {
    ...(digest === undefined ? {} : { 'content-digest': digest }),
    'signature-input': `zs=${parameters}`,
    signature: `zs=:${base64.encode(signature)}:`,
  };
}

const INPUT =
  /^zs=(\("@method" "@target-uri"( "content-digest")?\);created=([0-9]{1,12});keyid="([^"]{1,128})";alg="ed25519"(?:;nonce="([A-Za-z0-9_-]{22})")?)$/;
const SIGNATURE = /^zs=:([A-Za-z0-9+/]{86}==):$/;

/** Who signed a request. Everything that costs little is checked before the signature. */
export async function verifyRequest(
  request: ReceivedRequest,
  verifier: Verifier,
): Promise<Result<SignedRequest, HttpSignatureCode>> {
  const input = request.header('signature-input');
  const value = request.header('signature');
  if (!input || !value) return err('signature-missing', 'this route needs an RFC 9421 signature');
  const parsed = INPUT.exec(input);
  const encoded = SIGNATURE.exec(value)?.[1];
  const [, parameters, covered, seconds, did, nonce] = parsed ?? [];
  if (!parameters || !seconds || !did || !encoded || !isDid(did)) {
    return err('signature-malformed', 'expected zs=("@method" "@target-uri" …);created;keyid;alg');
  }
  const created = Number(seconds) * 1000;
  if (Math.abs(request.now - created) > SIGNATURE_AGE_MS_MAX) {
    return err('signature-expired', `created ${created} is not within 60 s of ${request.now}`);
  }
  if (request.method === 'POST' && nonce === undefined) {
    return err('nonce-missing', 'a signed POST carries a nonce of 16 bytes');
  }
  const hasBody = request.body !== undefined && request.body.length > 0;
  if (hasBody && !covered) return err('content-digest-wrong', 'the body is not covered');
  const digest = covered ? contentDigest(request.body ?? new Uint8Array()) : undefined;
  if (digest !== undefined && request.header('content-digest') !== digest) {
    return err('content-digest-wrong', 'content-digest is not the sha-256 of the body');
  }
  const signature = base64.decode(encoded);
  for (const url of request.urls) {
    const base = signatureBase(request.method, url, digest, parameters);
    if (await verifier.verify(did, utf8(base), signature)) return ok({ did, nonce, created });
  }
  return err('signature-invalid', 'no origin of this edge verifies the signature');
}

function componentsOf(digest: string | undefined): string {
  return digest === undefined
    ? '("@method" "@target-uri")'
    : '("@method" "@target-uri" "content-digest")';
}

/** RFC 9421 section 2.5. */
function signatureBase(
  method: string,
  url: string,
  digest: string | undefined,
  parameters: string,
): string {
  const content = digest === undefined ? '' : `"content-digest": ${digest}\n`;
  return (
    `"@method": ${method.toUpperCase()}\n"@target-uri": ${url}\n${content}` +
    `"@signature-params": ${parameters}`
  );
}
