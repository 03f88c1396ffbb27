/** What is left when a route did not answer: errors that were thrown, and paths that do not exist. */
import type { Context, Hono } from 'hono';
import { isRefusedBy, isUnavailable } from '../database-fault.ts';
import { OUTBOX_FULL } from '../hub/outbox.ts';
import type { Log } from '../ports.ts';
import type { EdgeEnv } from './env.ts';
import { fail } from './problem.ts';
import type { AnyRouteSpec } from './route-spec.ts';
import { honoPath } from './router.ts';

/** How long a caller waits before it asks a database again that did not answer. */
const STORAGE_RETRY_MS = 1_000;

export function onError(log: Log): (error: Error, c: Context<EdgeEnv>) => Response {
  return (error, c) => {
    const requestId = c.get('requestId');
    if (isUnavailable(error)) {
      log.warn('storage unavailable', { requestId, error: error.message });
      return fail(c, 'storage-unavailable', undefined, { retry_ms: STORAGE_RETRY_MS });
    }
    if (isRefusedBy(error, OUTBOX_FULL)) {
      return fail(c, 'busy', 'the receiver has too much waiting', { retry_ms: 60_000 });
    }
    log.error('request failed', { requestId, route: c.get('route') }, error);
    return fail(c, 'internal-error');
  };
}

/** 405 with Allow for the other methods of every path, 404 for everything else. */
export function answerTheRest(app: Hono<EdgeEnv>, specs: readonly AnyRouteSpec[]): void {
  const methods = new Map<string, string[]>();
  for (const { path, method } of specs) {
    methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase()]);
  }
  for (const [path, known] of methods) {
    const allow = known.includes('GET') ? [...known, 'HEAD'] : known;
    app.all(honoPath(path), (c) => {
      c.set('route', path);
      c.header('allow', allow.join(', '));
      return fail(c, 'method-not-allowed', `${path} takes ${allow.join(', ')}`);
    });
  }
  app.notFound((c) => fail(c, 'not-found'));
}
