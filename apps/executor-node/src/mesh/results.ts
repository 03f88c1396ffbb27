import type { AskOptions, AskResult, Message } from '@zerostate/mesh';
import type { Did } from '@zerostate/shared';
import { asc, eq } from 'drizzle-orm';
import { readResult } from '../offers/store.ts';
import type { Cancel, Clock, Log, Rng, Timers } from '../ports.ts';
import { type Database, type Statement, sql } from '../state/database.ts';
import * as tables from '../state/tables.ts';
import { delivered, resultMessage } from './answer.ts';

/** A result that was not taken is told again after this, doubled up to the second, jittered. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;
/** Results under way at the same time: an output may be 8 MiB. */
const PARALLEL_MAX = 4;
/** What waits is looked at this often. */
const LOOK_MS = 1_000;
/** 8 MiB through a slow relay. */
const WITHIN_MS = 60_000;
/** Results told at a time; whoever waits behind so many asks by itself. */
const ROWS_MAX = 1_024;

export interface ResultsOptions {
  database: Database;
  clock: Clock;
  timers: Timers;
  rng: Rng;
  log: Log;
  ask: (to: Did, message: Message, options: AskOptions) => Promise<AskResult>;
  isLinkUp: () => boolean;
  fatal: (cause: unknown) => void;
}

type Due = Awaited<ReturnType<typeof duePushes>>[number];

/**
 * Tells creators of the mesh what their tasks came to, and gateways what the edge waits for while
 * the link is down, until it was taken. Who asks by itself is answered from the same rows.
 */
export class Results {
  readonly #options: ResultsOptions;
  readonly #tries = new Map<string, { count: number; at: number }>();
  readonly #underWay = new Set<string>();
  #cancel: Cancel;
  #looking: Promise<void>;
  #isDue: boolean;

  constructor(options: ResultsOptions) {
    this.#options = options;
    this.#cancel = () => undefined;
    this.#looking = Promise.resolve();
    this.#isDue = true;
  }

  start(): void {
    this.#cancel = this.#options.timers.every(LOOK_MS, () => this.#look());
    this.#look();
  }

  /** A task is over. */
  due(): void {
    this.#isDue = true;
    this.#look();
  }

  /** Somebody may wait for a task that is over already: looked at by the next turn. */
  asked(): void {
    this.#isDue = true;
  }

  /** A peer came: what it missed is told now. */
  came(peer: Did): void {
    let isAwaited = false;
    for (const [key, tries] of this.#tries) {
      if (!key.endsWith(` ${peer}`)) continue;
      tries.at = 0;
      isAwaited = true;
    }
    if (isAwaited) this.due();
  }

  async stop(): Promise<void> {
    this.#cancel();
    this.#cancel = () => undefined;
    await this.#looking;
  }

  #look(): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    this.#looking = this.#looking.then(() => this.#pass()).catch(this.#options.fatal);
  }

  async #pass(): Promise<void> {
    const { database, clock, isLinkUp } = this.#options;
    await database.write([forgetSettled()]);
    const rows = await duePushes(database);
    // Something waits: look again, until nothing does.
    this.#isDue = rows.length > 0;
    const now = clock.now();
    for (const row of rows) {
      const key = `${row.task} ${row.did}`;
      if (this.#underWay.size >= PARALLEL_MAX) return;
      if (this.#underWay.has(key) || (this.#tries.get(key)?.at ?? 0) > now) continue;
      // The link carries it: a gateway is for the time when it does not.
      if (row.role === 'gateway' && isLinkUp()) continue;
      this.#underWay.add(key);
      this.#tell(row, key)
        .catch(this.#options.fatal)
        .finally(() => this.#underWay.delete(key));
    }
  }

  async #tell({ task, did, role }: Due, key: string): Promise<void> {
    const { database, clock, log, ask } = this.#options;
    const result = await readResult(database, task);
    if (result === null) return;
    const { message, body } = resultMessage(result.receipt, result.bytes);
    // A gateway takes to the edge what fits into a message; the rest waits for the link.
    if (role === 'gateway' && body !== undefined) return database.write([forget(task, did)]);
    const options = { withinMs: WITHIN_MS, ...(body === undefined ? {} : { body }) };
    const told = await ask(did, message, options);
    if (told.ok) {
      this.#tries.delete(key);
      const isCreator = role === 'creator';
      await database.write(isCreator ? delivered(task, did, clock.now()) : [forget(task, did)]);
      log.info('result told', { task, to: did, role });
      return;
    }
    const count = (this.#tries.get(key)?.count ?? 0) + 1;
    if (count === 1) log.info('result not taken yet', { task, to: did, code: told.code });
    this.#tries.set(key, { count, at: clock.now() + this.#pauseMs(count) });
  }

  #pauseMs(count: number): number {
    const [byte = 128] = this.#options.rng.bytes(1);
    const base = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(count - 1, 16));
    return base * (0.75 + byte / 512);
  }
}

/** Paid, claimed to the end, or past its time: nobody waits for it any more. */
function forgetSettled(): Statement {
  return sql(
    `DELETE FROM push WHERE EXISTS
       (SELECT 1 FROM cond WHERE cond.task = push.task AND cond.state <> 'open')
     OR (role = 'gateway' AND EXISTS (SELECT 1 FROM receipt
         WHERE receipt.task = push.task AND receipt.delivered_at IS NOT NULL))`,
  );
}

function forget(task: string, did: Did): Statement {
  return sql('DELETE FROM push WHERE task = ? AND did = ?', task, did);
}

function duePushes(database: Database) {
  const { push, receipt } = tables;
  return database.db
    .select({ task: push.task, did: push.did, role: push.role })
    .from(push)
    .innerJoin(receipt, eq(receipt.task, push.task))
    .orderBy(asc(push.at), asc(push.task))
    .limit(ROWS_MAX);
}
