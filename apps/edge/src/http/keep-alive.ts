import type { Context } from 'hono';
import type { EdgeEnv } from './env.ts';

/** Work that goes on after the answer. On workerd the platform must be told; elsewhere it just runs. */
export function keepAlive(c: Context<EdgeEnv>, work: Promise<void>): void {
  const background = c.env?.background;
  if (background !== undefined) background(work);
}
