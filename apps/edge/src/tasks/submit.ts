/** Taking a task from its creator: checked, stored and put in the executor's outbox in one batch. */
import {
  COND_AFTER_MANIFEST_MS,
  decodeBase64url,
  digestSha256,
  err,
  type OpenedEnvelope,
  type OpenedOffer,
  ok,
  openOffer,
  type PaychCond,
  type Result,
  type SubmitTaskRequest,
  type TaskManifest,
} from '@zerostate/shared';
import { BLOB_KEEP_MS } from '../blobs/blobs.ts';
import { BLOB_QUOTA, blobKeep, inlineInsert } from '../blobs/store.ts';
import { isRefused, isRefusedBy } from '../database-fault.ts';
import type { ProblemCode } from '../http/problem.ts';
import { OUTBOX_FULL, outboxInsert } from '../hub/outbox.ts';
import type { ChannelView } from '../ledger-view.ts';
import type { Statement } from '../ports.ts';
import type { TaskDeps } from './deps.ts';
import { type TaskRow, taskById, taskInsert, toTaskRow } from './store.ts';

type Refusal = { ok: false; code: ProblemCode; detail?: string };

type Offer = OpenedOffer & {
  input: Uint8Array | null;
  request: SubmitTaskRequest;
};

/** The stored task, and whether this call stored it. The same task again gives what it became. */
export async function submitTask(
  deps: TaskDeps,
  request: SubmitTaskRequest,
): Promise<Result<{ task: TaskRow; isNew: boolean }, ProblemCode>> {
  const opened = await readOffer(deps, request);
  if (!opened.ok) return opened;
  const offer = opened.value;
  const { manifest, cond } = offer;
  const now = deps.clock.now();
  // Two databases, no order between them: asked at the same time.
  const [channel, rows] = await Promise.all([
    deps.ledger.channelView(cond.body.ch),
    deps.directory.readMany(questions(offer, now)),
  ]);
  const [stored, agents, inputs] = rows;
  const before = stored?.[0];
  if (before !== undefined) return again(toTaskRow(before), cond.id);
  const refusal =
    partyFault(channel, manifest.body, cond.body) ??
    (offer.input === null && inputs?.length === 0 ? err('task-input-missing') : null);
  if (refusal !== null) return refusal;
  const late =
    timeFault(manifest.body, now) ??
    stateFault(channel) ??
    (agents?.length === 0 ? err('agent-unknown', manifest.body.agent) : null);
  // A task of the mesh comes here when its creator objects: its executor must not be able to wait
  // with the claim until it is too late for that, or to close the channel before.
  if (late !== null && !(await deps.ledger.isCondClaimed(cond.id))) return late;
  return store(deps, offer, { now, claimMs: channel?.claimMs ?? 0 });
}

/** Both envelopes, their terms and the inline input: everything that needs no database. */
async function readOffer(
  deps: TaskDeps,
  request: SubmitTaskRequest,
): Promise<Result<Offer, ProblemCode>> {
  const opened = await openOffer(deps.network, request, deps.verifier);
  if (!opened.ok) return opened;
  const { manifest, cond } = opened.value;
  const fault = termsFault(manifest, cond.body);
  if (fault !== null) return fault;
  const input = await readInput(manifest.body, request.input);
  return input.ok ? ok({ manifest, cond, input: input.value, request }) : input;
}

function termsFault(manifest: OpenedEnvelope<TaskManifest>, cond: PaychCond): Refusal | null {
  const { body } = manifest;
  if (body.creator === body.executor) return err('task-terms', 'executor');
  if (cond.task !== manifest.id) return err('task-terms', 'cond.task is not this manifest');
  if (cond.executor !== body.executor) return err('task-terms', 'cond.executor');
  if (cond.cap !== body.price_max) return err('task-terms', 'cond.cap is not price_max');
  const notAfter = Number(body.not_after) + COND_AFTER_MANIFEST_MS;
  if (Number(cond.not_after) === notAfter) return null;
  return err('task-terms', 'cond.not_after is not the manifest’s plus ten minutes');
}

async function readInput(
  manifest: TaskManifest,
  inline: string | undefined,
): Promise<Result<Uint8Array | null, ProblemCode>> {
  // No bytes need no blob.
  if (inline === undefined && manifest.input_len !== '0') return ok(null);
  const bytes = decodeBase64url(inline ?? '');
  if (!bytes.ok) return err('task-input-wrong', 'not base64url');
  const isNamed =
    String(bytes.value.length) === manifest.input_len &&
    (await digestSha256(bytes.value)) === manifest.input;
  return isNamed ? ok(bytes.value) : err('task-input-wrong');
}

function questions(offer: Offer, now: number): Statement[] {
  const { body, id } = offer.manifest;
  return [
    taskById(id),
    {
      sql: `SELECT 1 AS live FROM card WHERE did = ?1 AND agent = ?2 AND revoked = 0
              AND expires_at > ?3`,
      args: [body.executor, body.agent, now],
    },
    {
      sql: 'SELECT 1 AS owned FROM blob_owner WHERE hash = ?1 AND did = ?2 AND bytes = ?3',
      args: [body.input, body.creator, BigInt(body.input_len)],
    },
  ];
}

function again(
  task: TaskRow,
  condId: string,
): Result<{ task: TaskRow; isNew: false }, ProblemCode> {
  return task.condId === condId ? ok({ task, isNew: false }) : err('task-exists');
}

function timeFault(manifest: TaskManifest, now: number): Refusal | null {
  return now < Number(manifest.not_after) ? null : err('task-expired', 'not_after is over');
}

function partyFault(
  channel: ChannelView | null,
  manifest: TaskManifest,
  cond: PaychCond,
): Refusal | null {
  if (channel === null) return err('channel-unknown', cond.ch);
  const [payer, payee] = cond.dir === 'a' ? [channel.a, channel.b] : [channel.b, channel.a];
  const isTheirs = payer === manifest.creator && payee === manifest.executor;
  return isTheirs ? null : err('channel-not-party');
}

function stateFault(channel: ChannelView | null): Refusal | null {
  return channel?.state === 'active' ? null : err('channel-not-active', channel?.state);
}

async function store(
  deps: TaskDeps,
  offer: Offer,
  when: { now: number; claimMs: number },
): Promise<Result<{ task: TaskRow; isNew: boolean }, ProblemCode>> {
  const { manifest, cond, request } = offer;
  const { body } = manifest;
  const task = toRow(offer, when.now);
  // Until the last claim on it could be final, and a day more.
  const keepUntil = Number(cond.body.not_after) + when.claimMs + BLOB_KEEP_MS;
  const owner = { did: body.creator, keepUntil };
  try {
    await deps.directory.batch([
      ...(offer.input === null
        ? [blobKeep(body.input, body.creator, keepUntil)]
        : inlineInsert(body.input, offer.input, owner, when.now)),
      taskInsert({ ...task, module: body.module, input: body.input }, when.now),
      ...outboxInsert(body.executor, 'task.offer', request, when.now),
    ]);
  } catch (error) {
    if (isRefusedBy(error, OUTBOX_FULL)) return err('busy', 'the executor has too much waiting');
    if (isRefusedBy(error, BLOB_QUOTA)) return err('blob-quota');
    // The same task came twice at once.
    if (isRefused(error)) return err('task-exists');
    throw error;
  }
  deps.hub.wake(body.executor);
  deps.metrics.count('zs_tasks_total', { state: 'offered' });
  return ok({ task, isNew: true });
}

function toRow({ manifest, cond, request }: Offer, now: number): TaskRow {
  const { body } = manifest;
  return {
    id: manifest.id,
    creator: body.creator,
    executor: body.executor,
    ch: cond.body.ch,
    lane: Number(cond.body.lane),
    state: 'offered',
    manifest: JSON.stringify(request.manifest),
    condId: cond.id,
    cond: JSON.stringify(request.cond),
    accept: null,
    receiptId: null,
    receipt: null,
    objection: null,
    reject: null,
    output: null,
    submittedAt: now,
    acceptedAt: null,
    doneAt: null,
    notAfter: Number(body.not_after),
  };
}
