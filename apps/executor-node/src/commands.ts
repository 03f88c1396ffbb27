import {
  type Did,
  didField,
  err,
  hashField,
  ok,
  positiveField,
  type Result,
} from '@zerostate/shared';
import { count } from 'drizzle-orm';
import { z } from 'zod';
import { addCard, type PublishContext, publishCards, revokeCard } from './agents/publish.ts';
import { type CardRow, readCard, readCards } from './agents/store.ts';
import type { LinkStatus } from './link/client.ts';
import { readMeshSettings } from './mesh/settings.ts';
import * as tables from './state/tables.ts';
import { isLiveChannel } from './state/unfinished.ts';
import type { Desk } from './wallet/desk.ts';
import { EARNINGS_MAX, readEarnings, readTotals } from './wallet/earnings.ts';

/** What the CLI asks for, of a running daemon over its control socket or of the state itself. */
export const commandSchema = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('status') }),
  z.strictObject({ command: z.literal('routes'), to: didField.optional() }),
  z.strictObject({
    command: z.literal('earnings'),
    limit: z.int().min(1).max(EARNINGS_MAX).optional(),
  }),
  z.strictObject({ command: z.literal('card-list') }),
  z.strictObject({ command: z.literal('card-add'), folder: z.string() }),
  z.strictObject({ command: z.literal('card-revoke'), agent: z.string() }),
  z.strictObject({ command: z.literal('channel-list') }),
  z.strictObject({ command: z.literal('channel-topup'), ch: hashField, amount: positiveField }),
  z.strictObject({
    command: z.literal('channel-roll'),
    from: hashField,
    to: hashField,
    amount: positiveField.optional(),
  }),
  z.strictObject({ command: z.literal('channel-close'), ch: hashField }),
  z.strictObject({ command: z.literal('channel-close1'), ch: hashField }),
]);
export type Command = z.infer<typeof commandSchema>;

/** What only a running daemon knows. */
export interface RunningStatus {
  link: LinkStatus;
  /** null where the node takes no part in the mesh. */
  mesh: { state: 'up' | 'down'; problems: readonly string[] } | null;
  sandbox: { mode: string; memory: string; meter: string };
  queue: { queue: number; running: number; capacity: number };
  gas_per_ms: number;
}

export interface CommandContext {
  publish: PublishContext;
  desk: Desk;
  /** How cards reach the edge from here. */
  via: 'link' | 'http';
  published: () => void;
  /** null where no daemon runs. */
  running: () => RunningStatus | null;
  /** How messages find their way in the mesh; null where none runs. */
  routes: (to?: Did) => unknown;
}

/** Carries a command out; the value is plain JSON. */
export async function execute(
  context: CommandContext,
  command: Command,
): Promise<Result<unknown, string>> {
  switch (command.command) {
    case 'status':
      return ok(await statusOf(context));
    case 'routes': {
      const routes = context.routes(command.to);
      return routes === null ? err('mesh-down', await meshHint(context)) : ok(routes);
    }
    case 'earnings':
      return ok(plain(await readEarnings(context.publish.database, command.limit)));
    case 'card-list':
      return ok((await readCards(context.publish.database)).map(cardSummary));
    case 'card-add':
      return afterwards(context, await addCard(context.publish, command.folder));
    case 'card-revoke':
      return afterwards(context, await revokeCard(context.publish, command.agent));
    case 'channel-list':
      return ok(context.desk.list());
    case 'channel-topup':
      return context.desk.topup(command.ch, BigInt(command.amount));
    case 'channel-roll': {
      const { from, to, amount } = command;
      return context.desk.roll(from, to, amount === undefined ? null : BigInt(amount));
    }
    case 'channel-close':
      return context.desk.close(command.ch);
    case 'channel-close1':
      return context.desk.close1(command.ch);
  }
}

async function meshHint({ publish, running }: CommandContext): Promise<string> {
  if (running() === null) return 'no node runs here';
  const { isOn } = await readMeshSettings(publish.database);
  return isOn ? 'the mesh is not up: see status' : 'start it with zerostate-node start --mesh';
}

/** Publishes a card that was just signed, and says how that went. */
async function afterwards(
  context: CommandContext,
  signed: Result<CardRow, string>,
): Promise<Result<unknown, string>> {
  if (!signed.ok) return signed;
  const { database } = context.publish;
  if ((await publishCards(context.publish, context.via)) > 0) context.published();
  const row = await readCard(database, signed.value.agent);
  if (row === null) return err('card-unknown', signed.value.agent);
  return row.state === 'refused'
    ? err('card-refused', `the edge does not take ${row.agent}: ${row.code}`)
    : ok(cardSummary(row));
}

function cardSummary(row: CardRow) {
  const { agent, state, code, seq, expiresAt, revoked } = row;
  return {
    agent,
    state: revoked === 1 && state === 'live' ? 'revoked' : state,
    revoked: revoked === 1,
    ...(code === '' ? {} : { code }),
    seq,
    expires_at: new Date(expiresAt).toISOString(),
  };
}

async function statusOf(context: CommandContext) {
  const { database, pinned } = context.publish;
  const running = context.running();
  const cards = await readCards(database);
  const channels = await database.db
    .select({ n: count() })
    .from(tables.channel)
    .where(isLiveChannel);
  const waiting = await database.db.select({ n: count() }).from(tables.outbox);
  const tasks = await database.db
    .select({ state: tables.task.state, n: count() })
    .from(tables.task)
    .groupBy(tables.task.state);
  const { total, held, redeemed } = await readTotals(database);
  return {
    running: running !== null,
    role: 'executor' as const,
    did: pinned.did,
    edge: pinned.edge,
    edge_did: pinned.edgeDid,
    network: pinned.network,
    link: running?.link ?? { state: 'stopped', since: null, problem: null },
    mesh: running?.mesh ?? null,
    sandbox: running?.sandbox ?? null,
    queue: running?.queue ?? null,
    gas_per_ms: running?.gas_per_ms ?? null,
    cards: cards.map(cardSummary),
    channels: channels[0]?.n ?? 0,
    tasks: Object.fromEntries(tasks.map(({ state, n }) => [state, n])),
    outbox: waiting[0]?.n ?? 0,
    earned: String(total),
    held: String(held),
    redeemed: String(redeemed),
  };
}

/** JSON has no bigint: amounts are decimal strings outside. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)),
  );
}
