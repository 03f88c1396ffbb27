import { sha256Base64url, utf8 } from '@zerostate/shared';
import type { Context } from 'hono';
import type { EdgeEnv } from './env.ts';

/** Whether the caller holds this version already (RFC 9110 section 13.1.2, weak comparison). */
export function isFresh(c: Context<EdgeEnv>, etag: string): boolean {
  const header = c.req.header('if-none-match');
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const plain = (tag: string) => tag.trim().replace(/^W\//, '');
  return header.split(',').some((tag) => plain(tag) === plain(etag));
}

/**
 * The tag is made of the answer itself: presence, reputation and expiry change it without a new
 * rev, and every worker must give the same answer the same tag.
 */
export function tagged(c: Context<EdgeEnv>, answer: object, rev: number): Response {
  const body = JSON.stringify(answer);
  const etag = `W/"${rev}-${sha256Base64url(utf8(body)).slice(0, 22)}"`;
  c.header('etag', etag);
  c.header('cache-control', 'private, max-age=0, must-revalidate');
  if (isFresh(c, etag)) return c.body(null, 304);
  c.header('content-type', 'application/json');
  return c.body(body, 200);
}
