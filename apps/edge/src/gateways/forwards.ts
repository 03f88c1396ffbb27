/**
 * Messages for an executor whose link is not up, handed to gateway nodes that carry them over the
 * mesh. The rows in its own outbox stay until its own link acknowledges them: it knows each by its
 * task, channel or total, and takes it once.
 */
import type { OutboxDatabase, PeerChoice } from '@zerostate/shared';
import { isRefused } from '../database-fault.ts';
import { type OutboxRow, outboxInsert } from '../hub/outbox.ts';
import type { Clock, Database, Log, Metrics, Rng } from '../ports.ts';
import { GUARD } from '../tasks/store.ts';
import { gatewayChoice } from './choice.ts';
import {
  FORWARD_AGE_MS_MAX,
  FORWARD_LATE_MS,
  FORWARD_TRIES_MAX,
  FORWARDS_PER_TARGET_MAX,
  GATEWAYS_PER_MESSAGE,
  MESSAGES_READ_MAX,
  TARGETS_MAX,
} from './limits.ts';
import { CARRIED_TYPES, type Carried, carriedOf, newestVouchers } from './message.ts';
import { judgeSilent } from './silent.ts';
import {
  type Forward,
  forwardUpsert,
  type Gateway,
  readForwards,
  readGateways,
  unlinkedTargets,
} from './store.ts';

export type ForwardDeps = {
  clock: Clock;
  rng: Rng;
  log: Log;
  metrics: Metrics;
  directory: Database;
  ledger: Database;
  network: string;
  /** There is something new in a gateway's outbox. */
  wake: (did: string) => void;
};

export interface Forwards {
  /**
   * These executors may have no link: what waits for those in the mesh goes to gateways. Nothing
   * happens for one that is linked, or is being looked at already.
   */
  look(dids: readonly string[]): Promise<void>;
  /** What time does: silent gateways are judged, and what still waits is looked at again. */
  sweep(): Promise<void>;
}

export function createForwards(deps: ForwardDeps): Forwards {
  const { directory, clock } = deps;
  /** Looked at now; true: something came meanwhile. */
  const busy = new Map<string, boolean>();
  const lookAt = async (target: string) => {
    if (busy.has(target)) {
      busy.set(target, true);
      return;
    }
    try {
      do {
        busy.set(target, false);
        await forwardAll(deps, target);
      } while (busy.get(target));
    } finally {
      busy.delete(target);
    }
  };
  const look = async (dids: readonly string[]) => {
    const targets = await unlinkedTargets(directory, dids, clock.now());
    for (const target of targets) await lookAt(target);
  };
  return {
    look,
    async sweep() {
      await judgeSilent(deps, clock.now());
      await look(await waitingTargets(deps));
    },
  };
}

/** Executors for whom something waits that may be carried; those who are linked among them. */
async function waitingTargets({ directory, ledger, clock }: ForwardDeps): Promise<string[]> {
  const since = clock.now() - FORWARD_AGE_MS_MAX;
  const types = CARRIED_TYPES.map((type) => `'${type}'`).join(', ');
  const rows = await Promise.all([
    directory.read({
      sql: `SELECT DISTINCT o.did FROM outbox o INDEXED BY outbox_at
            JOIN presence p ON p.did = o.did
            WHERE o.at > ?1 AND o.type IN (${types}) AND p.mesh = 1 AND p.alive_until <= ?2
            LIMIT ?3`,
      args: [since, clock.now(), TARGETS_MAX],
    }),
    ledger.read({
      sql: `SELECT DISTINCT did FROM outbox INDEXED BY outbox_at
            WHERE at > ?1 AND type IN (${types}) LIMIT ?2`,
      args: [since, TARGETS_MAX],
    }),
  ]);
  return [...new Set(rows.flat().map(({ did }) => String(did)))];
}

async function forwardAll(deps: ForwardDeps, target: string): Promise<void> {
  const { directory, clock } = deps;
  const [messages, forwards, linked] = await Promise.all([
    readMessages(deps, target),
    readForwards(directory, target),
    readGateways(directory, clock.now()),
  ]);
  const gateways = linked.filter(({ did }) => did !== target);
  if (messages.length === 0 || gateways.length === 0) return;
  const choice = gatewayChoice(deps, gateways);
  const woken = new Set<string>();
  let room = roomFor(forwards, clock.now());
  for (const message of messages) {
    if (room <= 0) break;
    let places = forwards.filter(({ db, seq }) => db === message.db && seq === message.seq);
    for (const place of openPlaces(places)) {
      const gateway = chooseFor(choice, gateways, places, place);
      if (gateway === undefined) break;
      if (!(await hand(deps, message, place, gateway))) break;
      woken.add(gateway);
      choice.started(gateway);
      room -= 1;
      const now = { ...placed(deps, message, place, gateway), tries: 1, outcome: null };
      places = [...places.filter(({ slot }) => slot !== place), now];
    }
  }
  for (const gateway of woken) deps.wake(gateway);
}

/** The schema holds the same limit against workers that look at the same time. */
function roomFor(forwards: readonly Forward[], now: number): number {
  const isOpen = ({ outcome, at }: Forward) => outcome === null && at > now - FORWARD_LATE_MS;
  return FORWARDS_PER_TARGET_MAX - forwards.filter(isOpen).length;
}

/** Places that may be filled; none when somebody has answered. */
function openPlaces(places: readonly Forward[]): number[] {
  if (places.some(({ outcome }) => outcome === 'answered')) return [];
  const isTaken = (slot: number) =>
    places.some(
      (place) =>
        place.slot === slot && (place.outcome === null || place.tries >= FORWARD_TRIES_MAX),
    );
  return Array.from({ length: GATEWAYS_PER_MESSAGE }, (_, slot) => slot).filter(
    (slot) => !isTaken(slot),
  );
}

/** Not who has this message in another place; who stayed silent is asked again last. */
function chooseFor(
  choice: PeerChoice,
  gateways: readonly Gateway[],
  places: readonly Forward[],
  slot: number,
): string | undefined {
  const candidates = gateways.filter(
    ({ did }) => !places.some((place) => place.gateway === did && place.slot !== slot),
  );
  return choice.choose(candidates.map(({ did }) => ({ did, queueDepth: 0 })));
}

function placed({ clock }: ForwardDeps, message: Carried, slot: number, gateway: string) {
  const { db, seq, about } = message;
  return { target: message.message.to, db, seq, slot, gateway, about, at: clock.now() };
}

/** One message to one gateway; false when too much is under way, or another worker was faster. */
async function hand(
  deps: ForwardDeps,
  message: Carried,
  slot: number,
  gateway: string,
): Promise<boolean> {
  const { directory, clock, metrics, log } = deps;
  const forward = placed(deps, message, slot, gateway);
  try {
    await directory.batch([
      forwardUpsert(forward),
      GUARD,
      ...outboxInsert(gateway, 'mesh.forward', message.message, clock.now()),
    ]);
  } catch (error) {
    if (isRefused(error)) return false;
    throw error;
  }
  metrics.count('zs_mesh_forwards_total', { type: message.message.type });
  log.debug('message forwarded', { to: forward.target, gateway, type: message.message.type });
  return true;
}

/** What may be carried of both outboxes, oldest first: openings before the tasks they pay. */
async function readMessages(deps: ForwardDeps, target: string): Promise<Carried[]> {
  const since = deps.clock.now() - FORWARD_AGE_MS_MAX;
  const read = async (db: OutboxDatabase) => {
    const rows = await recentRows(deps[db], target, since);
    return rows.flatMap((row) => {
      const carried = carriedOf(deps.network, target, db, row);
      return carried.ok ? [carried.value] : [];
    });
  };
  const [ofLedger, ofDirectory] = await Promise.all([read('ledger'), read('directory')]);
  const offered = await stillOffered(deps, ofDirectory);
  return [...newestVouchers(ofLedger), ...ofDirectory.filter(({ about }) => offered.has(about))];
}

async function recentRows(database: Database, did: string, since: number): Promise<OutboxRow[]> {
  const types = CARRIED_TYPES.map((type) => `'${type}'`).join(', ');
  const rows = await database.read({
    sql: `SELECT seq, type, body FROM outbox
          WHERE did = ?1 AND at > ?2 AND type IN (${types}) ORDER BY seq LIMIT ?3`,
    args: [did, since, MESSAGES_READ_MAX],
  });
  return rows.map((row) => ({
    seq: Number(row.seq),
    type: String(row.type),
    body: String(row.body),
  }));
}

/** Tasks that nobody has answered for, in time. */
async function stillOffered(
  { directory, clock }: ForwardDeps,
  messages: readonly Carried[],
): Promise<Set<string>> {
  if (messages.length === 0) return new Set();
  const rows = await directory.read({
    sql: `SELECT id FROM task WHERE id IN (SELECT value FROM json_each(?1))
            AND state = 'offered' AND not_after > ?2`,
    args: [JSON.stringify(messages.map(({ about }) => about)), clock.now()],
  });
  return new Set(rows.map(({ id }) => String(id)));
}
