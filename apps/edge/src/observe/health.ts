/** Whether this worker lives, and whether it may be sent work. */
import { z } from 'zod';
import { pendingMigrations } from '../adapters/migrate.ts';
import { DIRECTORY_MIGRATIONS } from '../directory-migrations.ts';
import { fail } from '../http/problem.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { LEDGER_MIGRATIONS } from '../ledger/migrations.ts';
import type { Database } from '../ports.ts';
import type { CardFeed } from '../search/card-feed.ts';

export type HealthDeps = {
  databases: { ledger: Database; directory: Database };
  feed: CardFeed;
  version: string;
  /** True from SIGTERM on. */
  isDraining: () => boolean;
};

const healthSchema = z.object({ status: z.literal('ok'), version: z.string() });
const readySchema = z.object({ status: z.literal('ready'), rev: z.number().int() });

export function healthRoutes(deps: HealthDeps & RouterDeps): Router {
  const router = createRouter(deps);
  router.add(
    {
      method: 'get',
      path: '/healthz',
      tag: 'operations',
      summary: 'This worker lives',
      answers: { 200: { description: 'It does', schema: healthSchema } },
    },
    (c) => c.json({ status: 'ok', version: deps.version }, 200, { 'cache-control': 'no-store' }),
  );
  router.add(
    {
      method: 'get',
      path: '/readyz',
      tag: 'operations',
      summary: 'Databases answer, migrations are current, the search index is loaded',
      answers: { 200: { description: 'Send it work', schema: readySchema } },
      failures: ['not-ready'],
    },
    async (c) => {
      const reasons = await whyNotReady(deps);
      if (reasons.length > 0) return fail(c, 'not-ready', reasons.join('; '));
      const rev = deps.feed.index.rev;
      return c.json({ status: 'ready', rev }, 200, { 'cache-control': 'no-store' });
    },
  );
  return router;
}

/** Empty when nothing is wrong. */
async function whyNotReady(deps: HealthDeps): Promise<string[]> {
  if (deps.isDraining()) return ['this worker is stopping'];
  const reasons = [
    ...(await migrationReasons('ledger', deps.databases.ledger, LEDGER_MIGRATIONS)),
    ...(await migrationReasons('directory', deps.databases.directory, DIRECTORY_MIGRATIONS)),
  ];
  if (reasons.length > 0 || deps.feed.isLoaded) return reasons;
  try {
    await deps.feed.refresh();
    // Another request may be loading it.
    return deps.feed.isLoaded ? [] : ['the search index is loading'];
  } catch {
    return ['the search index is not loaded'];
  }
}

async function migrationReasons(
  name: string,
  database: Database,
  migrations: readonly string[],
): Promise<string[]> {
  try {
    const pending = await pendingMigrations(database, migrations);
    return pending.length === 0 ? [] : [`${name} misses migrations: ${pending.join(', ')}`];
  } catch {
    return [`${name} does not answer`];
  }
}
