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
