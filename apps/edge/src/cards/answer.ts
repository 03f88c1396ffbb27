import { sha256Base64url, utf8 } from '@zerostate/shared';
import type { Context } from 'hono';
import type { EdgeEnv } from '../http/env.ts';
import { isFresh } from '../http/etag.ts';

/** Cards change seldom, but a revoked one must be gone within two seconds. */
const CACHE = 'public, max-age=1, must-revalidate';

/** JSON that caches may keep for a moment, under a tag made of it unless another is given. */
export function cached(
  c: Context<EdgeEnv>,
  body: string,
  etag = `"${sha256Base64url(utf8(body))}"`,
): Response {
  c.header('etag', etag);
  c.header('cache-control', CACHE);
  if (isFresh(c, etag)) return c.body(null, 304);
  c.header('content-type', 'application/json');
  return c.body(body, 200);
}
