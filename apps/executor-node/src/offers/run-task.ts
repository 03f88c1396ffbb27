import {
  condTerms,
  digestSha256,
  idOf,
  paychCondSchema,
  priceOf,
  receiptMade,
  sealEnvelope,
  type TaskReceipt,
  taskManifestSchema,
  taskTerms,
} from '@zerostate/shared';
import { z } from 'zod';
import type { GuestOutcome } from '../ports.ts';
import { abandonTask } from './abandon-task.ts';
import type { OffersContext, RunnableTask } from './context.ts';
import { sandboxTask } from './sandbox-task.ts';
import { insertReceipt, isInline, sendResult, type TaskRow, unfinishedTasks } from './store.ts';

/** A host fault may be bad luck once. */
const HOST_TRIES_MAX = 2;

/**
 * Runs a task and signs what came out. The receipt is on disk before anybody hears of it: after
 * a crash the same receipt is sent again, and a task without one is run again. A run that a crash
 * meets before the accept was kept has told nobody anything: the offer comes again.
 */
export async function runTask(offers: OffersContext, task: RunnableTask): Promise<void> {
  const { sandbox, catalog, wallet } = offers;
  const wasm = await catalog.module(task.manifest.module);
  if (wasm === null) return abandonTask(offers, task.task, 'module-unavailable');
  const startedAt = wallet.clock.now();
  const [outcome] = await Promise.all([
    sandbox.run(sandboxTask(wasm, { task: task.terms, manifest: task.manifest }, task.input)),
    task.kept,
  ]);
  if (outcome.ok) return finish(offers, task, outcome, startedAt);
  task.tries += 1;
  const { code, detail } = outcome;
  wallet.log.warn('host fault', { task: task.task, code, detail, tries: task.tries });
  const isFinal = code === 'wall-limit' || code === 'inadmissible' || task.tries >= HOST_TRIES_MAX;
  if (!isFinal) return runTask(offers, task);
  return abandonTask(offers, task.task, code);
}

async function finish(
  offers: OffersContext,
  task: RunnableTask,
  outcome: GuestOutcome,
  startedAt: number,
): Promise<void> {
  const { wallet } = offers;
  const { book, clock, database, pinned, signer } = wallet;
  const { terms, cond } = task;
  const price = priceOf(terms.price, {
    gas: outcome.gas,
    pagesPeak: BigInt(outcome.pagesPeak),
  });
  const now = clock.now();
  const body: TaskReceipt = {
    task: task.task,
    executor: pinned.did,
    ch: cond.ch,
    lane: String(cond.lane),
    status: outcome.status,
    output: await digestSha256(outcome.output),
    output_len: String(outcome.output.length),
    gas: String(outcome.gas),
    pages_peak: String(outcome.pagesPeak),
    price: String(price),
    wall_ms: String(Math.max(0, Math.round(outcome.wallMs))),
    started_at: String(startedAt),
    ended_at: String(Math.max(startedAt, now)),
  };
  const envelope = await sealEnvelope(pinned.network, 'task.receipt', body, signer);
  const id = idOf(pinned.network, 'task.receipt', body);

  // From here to the write nothing is awaited.
  const made = { id, envelope, due: cond.base + price };
  const statements = insertReceipt(made, outcome.output, now);
  const mirror = book.get(cond.ch);
  if (mirror !== null) {
    statements.push(...book.change(mirror, receiptMade(mirror.budget, cond.lane, price)));
  }
  const inline = isInline(outcome.output);
  if (inline) statements.push(...sendResult(task.task, envelope, outcome.output, now));
  await database.write(statements);
  wallet.log.info('task done', {
    task: task.task,
    agent: task.manifest.agent,
    status: outcome.status,
    gas: body.gas,
    price: body.price,
    wallMs: body.wall_ms,
  });
  if (inline) wallet.kick();
  else offers.largeResults.send();
  offers.finished();
}

const storedManifest = z.object({ body: taskManifestSchema });
const storedCond = z.object({ body: paychCondSchema });

/** Queues what was accepted and has no receipt: the node died while it waited or ran. */
export async function resumeTasks(offers: OffersContext): Promise<number> {
  const rows = await unfinishedTasks(offers.wallet.database);
  for (const row of rows) offers.queue.put(runnable(row, offers.wallet.pinned.network));
  return rows.length;
}

function runnable(row: TaskRow, network: string): RunnableTask {
  const manifest = storedManifest.parse(JSON.parse(row.manifest)).body;
  const cond = storedCond.parse(JSON.parse(row.cond)).body;
  const terms = taskTerms(row.task, manifest);
  return {
    task: row.task,
    wallMsMax: terms.wallMsMax,
    terms,
    manifest,
    cond: condTerms(idOf(network, 'paych.cond', cond), cond),
    input: row.input ?? new Uint8Array(0),
    kept: Promise.resolve(),
    tries: 0,
  };
}
