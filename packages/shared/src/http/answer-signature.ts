/**
 * Signed answers: RFC 9421 for responses, with one label, one algorithm and a fixed list of
 * components. Whoever reaches a ledger through somebody else asks for one, and then knows that the
 * answer is the ledger's own, to this very request.
 *
 *     Accept-Signature: zs=("@status" "content-digest" "@method";req "@path";req "@query";req);nonce="…"
 *     Signature-Input:  zs=("@status" "content-digest" "@method";req "@path";req "@query";req);created=…;keyid="did:key:…";alg="ed25519";nonce="…"
 *     Signature:        zs=:base64:
 *
 * A request with a body names `"content-digest";req` as well.
 */
import { base64 } from '@scure/base';
import { utf8 } from '../encoding/bytes.ts';
import type { Signer, Verifier } from '../identity/signing.ts';
import { err, ok, type Result } from '../result.ts';
import { contentDigest } from './signature.ts';

/** What an answer is bound to. */
export interface AnsweredRequest {
  readonly method: string;
  /** Path and query as the edge sees them: `/v1/tasks/x?wait=5`. */
  readonly path: string;
  /** The Content-Digest of its body, where it has one. */
  readonly digest?: string | undefined;
  /** 16 random bytes in base64url that the asker made up. */
  readonly nonce: string;
}

export type AnswerSignatureCode =
  | 'signature-missing'
  | 'signature-malformed'
  | 'signature-invalid'
  | 'content-digest-wrong';

const ANSWER = '"@status" "content-digest" "@method";req "@path";req "@query";req';
const ACCEPT =
  /^zs=\("@status" "content-digest" "@method";req "@path";req "@query";req( "content-digest";req)?\);nonce="([A-Za-z0-9_-]{22})"$/;
const INPUT =
  /^zs=(\("@status" "content-digest" "@method";req "@path";req "@query";req( "content-digest";req)?\);created=[0-9]{1,12};keyid="([^"]{1,128})";alg="ed25519";nonce="([A-Za-z0-9_-]{22})")$/;
const SIGNATURE = /^zs=:([A-Za-z0-9+/]{86}==):$/;

/** The Accept-Signature header that asks for a signed answer (RFC 9421 section 5.1). */
export function acceptSignature({ digest, nonce }: Pick<AnsweredRequest, 'digest' | 'nonce'>) {
  return `zs=(${componentsOf(digest)});nonce="${nonce}"`;
}

/** What an Accept-Signature header asks for; null for anything that is not it. */
export function readAcceptSignature(header: string): { nonce: string; withDigest: boolean } | null {
  const [, digest, nonce] = ACCEPT.exec(header) ?? [];
  return nonce === undefined ? null : { nonce, withDigest: digest !== undefined };
}

/** Headers that sign an answer; add them to it unchanged. */
export async function signAnswer(answer: {
  readonly request: AnsweredRequest;
  readonly status: number;
  readonly body: Uint8Array;
  /** ms since the epoch. */
  readonly now: number;
  readonly signer: Signer;
}): Promise<Record<string, string>> {
  const { request, status, now, signer } = answer;
  const digest = contentDigest(answer.body);
  const parameters =
    `(${componentsOf(request.digest)});created=${Math.floor(now / 1000)}` +
    `;keyid="${signer.did}";alg="ed25519";nonce="${request.nonce}"`;
  const base = signatureBase(request, { status, digest, parameters });
  const signature = await signer.sign(utf8(base));
  return {
    'content-digest': digest,
    'signature-input': `zs=${parameters}`,
    signature: `zs=:${base64.encode(signature)}:`,
  };
}

/** Whether an answer to this request is `by`'s. Its age is bounded by the request's own nonce. */
export async function verifyAnswer(
  answer: {
    readonly request: AnsweredRequest;
    readonly status: number;
    readonly body: Uint8Array;
    readonly header: (name: string) => string | null | undefined;
    readonly by: string;
  },
  verifier: Verifier,
): Promise<Result<void, AnswerSignatureCode>> {
  const { request, status, header, by } = answer;
  const input = header('signature-input');
  const value = header('signature');
  if (!input || !value) return err('signature-missing');
  const [, parameters, withDigest, did, nonce] = INPUT.exec(input) ?? [];
  const encoded = SIGNATURE.exec(value)?.[1];
  if (!parameters || !encoded) return err('signature-malformed');
  const isOfRequest = (withDigest !== undefined) === (request.digest !== undefined);
  if (did !== by || nonce !== request.nonce || !isOfRequest) return err('signature-invalid');
  const digest = contentDigest(answer.body);
  if (header('content-digest') !== digest) return err('content-digest-wrong');
  const base = signatureBase(request, { status, digest, parameters });
  const isBy = await verifier.verify(by, utf8(base), base64.decode(encoded));
  return isBy ? ok(undefined) : err('signature-invalid');
}

function componentsOf(digest: string | undefined): string {
  return digest === undefined ? ANSWER : `${ANSWER} "content-digest";req`;
}

/** RFC 9421 sections 2.2.6, 2.2.7 and 2.5. */
function signatureBase(
  { method, path, digest: sent }: AnsweredRequest,
  answer: { status: number; digest: string; parameters: string },
): string {
  const at = path.indexOf('?');
  const [plain, query] = at < 0 ? [path, '?'] : [path.slice(0, at), path.slice(at)];
  const content = sent === undefined ? '' : `"content-digest";req: ${sent}\n`;
  return (
    `"@status": ${answer.status}\n"content-digest": ${answer.digest}\n` +
    `"@method";req: ${method.toUpperCase()}\n"@path";req: ${plain}\n"@query";req: ${query}\n` +
    `${content}"@signature-params": ${answer.parameters}`
  );
}
