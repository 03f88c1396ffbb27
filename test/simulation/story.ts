/** One seed's story: calm, then everything that can go wrong, then calm again until all is settled. */
import { join } from 'node:path';
import { CALM } from './network.ts';
import { at, createWorld, MONEY, pumped, type World } from './world.ts';

const AGENT = join(import.meta.dirname, '../../agents/hello');
/** Simulated time within which everything is settled once the network is calm: a few windows. */
const HEALED_MS_MAX = 3 * 3_600_000;
/** A misfortune comes this often, ms. */
const MISFORTUNE_MS = 6_000;
/** The chance that a write is the last of its process. */
const DEATH_AT_WRITE = 0.015;

export type Told = {
  seed: number;
  events: number;
  digest: string;
  /** Tasks by how they ended. */
  tasks: Record<string, number>;
  deaths: number;
};

/** Throws with the tail of the log at the first thing that does not hold. */
export async function tell(seed: number, events: number): Promise<Told> {
  const world = await createWorld(seed);
  try {
    await begin(world);
    const deaths = await suffer(world, events);
    await heal(world);
    const tasks = await audit(world);
    return {
      seed,
      events: world.scheduler.events,
      digest: world.scheduler.digest(),
      tasks,
      deaths,
    };
  } catch (error) {
    const tail = world.scheduler.tail.join('\n');
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : error}\n${tail}`);
  } finally {
    world.close();
  }
}

/** Money for everybody, cards on line, callers at work. */
async function begin(world: World): Promise<void> {
  const { ledger } = at(world.edges, 0);
  for (const { signer } of [...world.disks.executors, ...world.disks.callers]) {
    const claim = { did: signer.did, route: 'begin', key: 'one', request: 'r' };
    const paid = await pumped(ledger.faucet(signer.did, MONEY, claim));
    if (!paid.ok) throw new Error(paid.code);
  }
  for (const executor of world.executors) {
    const node = await drive(world, executor.node);
    const added = await drive(world, node.execute({ command: 'card-add', folder: AGENT }));
    if (!added.ok) throw new Error(added.code);
  }
  for (let i = 0; i < world.callerCount; i++) world.callers.push(world.bootCaller(i));
}

/** Runs events until the promise is settled. */
async function drive<T>(world: World, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => undefined);
  const isOver = () => isDone;
  const until = world.scheduler.now + HEALED_MS_MAX;
  while (!isOver()) {
    await advance(world);
    if (world.scheduler.now > until) throw new Error('not settled within simulated hours');
  }
  return done;
}

async function advance(world: World): Promise<void> {
  if (!(await world.scheduler.step())) throw new Error('nothing is left to happen');
  if (world.control.wrote) {
    world.control.wrote = false;
    const wrong = await pumped(world.invariants.check());
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
  }
  if (world.faults.length > 0) throw new Error(world.faults.join('\n'));
}

/** `events` events during which anything may fail at any time. */
async function suffer(world: World, events: number): Promise<number> {
  const { scheduler, random, control, network } = world;
  const until = scheduler.events + events;
  let deaths = 0;
  control.fate = (life) => {
    if (random() >= DEATH_AT_WRITE) return 'lives';
    deaths += 1;
    const isAfter = random() < 0.5;
    // Its end is an event of its own: the write under way is the last that it does.
    scheduler.after(0, null, `${life.name} dies at a write`, () => die(world, life.name));
    return isAfter ? 'dies-after' : 'dies-before';
  };
  const misfortune = () => {
    if (scheduler.events >= until) return;
    scheduler.after(random() * 2 * MISFORTUNE_MS, null, 'misfortune', () => {
      if (scheduler.events >= until) return;
      deaths += strike(world);
      misfortune();
    });
  };
  misfortune();
  while (scheduler.events < until) await advance(world);
  control.fate = () => 'lives';
  network.faults = CALM;
  network.cutOff.clear();
  // Whoever was to die at a write of the last moment is dead before the others are started again.
  const end = scheduler.now;
  while (scheduler.now === end) await advance(world);
  return deaths;
}

/** One thing goes wrong. Returns how many died of it. */
function strike(world: World): number {
  const { random, network, scheduler } = world;
  const names = parties(world);
  const name = at(names, Math.floor(random() * names.length));
  const kind = random();
  if (kind < 0.35) {
    network.faults = {
      loss: random() * 0.25,
      twice: random() * 0.3,
      hangUp: random() * 0.03,
      delayMs: 5 + random() ** 3 * 4_000,
    };
    return 0;
  }
  if (kind < 0.6) {
    network.cutOff.add(name);
    scheduler.note(`${name} is cut off`);
    scheduler.after(random() * 60_000, null, `${name} is back`, () => network.cutOff.delete(name));
    return 0;
  }
  if (kind < 0.75) {
    network.hangUp(name);
    return 0;
  }
  die(world, name);
  return 1;
}

const parties = (world: World): string[] => [
  ...world.edges.map(({ life }) => life.name),
  ...world.executors.map(({ life }) => life.name),
  ...world.callers.map(({ life }) => life.name),
];

/** `kill -9`, and a new life some time later. */
function die(world: World, name: string): void {
  const { scheduler, random, network } = world;
  const [kind = '', index = ''] = name.split('-');
  const i = Number(index);
  const life = livesOf(world, kind)[i]?.life;
  if (life?.isAlive !== true) return;
  scheduler.note(`${name} dies`);
  if (kind === 'edge') at(world.edges, i).die();
  life.end();
  network.hangUp(name);
  scheduler.after(100 + random() * 20_000, null, `${name} starts`, () => boot(world, kind, i));
}

function livesOf(world: World, kind: string) {
  if (kind === 'edge') return world.edges;
  return kind === 'executor' ? world.executors : world.callers;
}

function boot(world: World, kind: string, i: number): void {
  if (livesOf(world, kind)[i]?.life.isAlive === true) return;
  if (kind === 'edge') world.bootEdge(i);
  else if (kind === 'executor') world.executors[i] = world.bootExecutor(i);
  else world.callers[i] = world.bootCaller(i);
}

/** Everybody lives, nobody wants anything new: all that is open comes to its end. */
async function heal(world: World): Promise<void> {
  const { scheduler } = world;
  const kinds = ['edge', 'executor', 'caller'];
  for (const kind of kinds) {
    for (const i of livesOf(world, kind).keys()) boot(world, kind, i);
  }
  scheduler.note('the world heals');
  for (const caller of world.callers) caller.rest();
  await drive(world, Promise.all(world.callers.map((caller) => caller.settle())));
  // What was paid is redeemed and counted by then, or within the next looks.
  const until = scheduler.now + 120_000;
  while (scheduler.now < until) await advance(world);
}

/** Who has what in the end, and whether that is what was done. */
async function audit(world: World): Promise<Record<string, number>> {
  const { disks } = world;
  const ended: Record<string, number> = {};
  const earned = new Map<string, bigint>();
  for (const { signer, store } of disks.callers) {
    let own = 0n;
    for (const task of await pumped(store.tasks(100_000))) {
      ended[task.state] = (ended[task.state] ?? 0) + 1;
      const isPaid = task.state === 'paid' || task.state === 'claimed';
      const price = isPaid ? (task.price ?? 0n) : 0n;
      own += price;
      const { executor } = task.manifest.body;
      earned.set(executor, (earned.get(executor) ?? 0n) + price);
    }
    same(`${signer.did} has`, await balance(world, signer.did), MONEY - own);
  }
  for (const [i, { signer }] of disks.executors.entries()) {
    const income = earned.get(signer.did) ?? 0n;
    same(`${signer.did} has`, await balance(world, signer.did), MONEY + income);
    const node = await drive(world, at(world.executors, i).node);
    const answer = await pumped(node.execute({ command: 'earnings' }));
    if (!answer.ok) throw new Error(answer.code);
    const { total, held } = Object(answer.value);
    same(`the earnings of executor-${i}`, BigInt(total), income);
    same(`what executor-${i} still holds`, BigInt(held), 0n);
  }
  const open = await pumped(
    disks.ledger.database.read({
      sql: `SELECT COUNT(*) AS n FROM channel WHERE state <> 'closed'`,
      args: [],
    }),
  );
  same('channels that are not closed', open[0]?.n ?? 0n, 0n);
  return ended;
}

async function balance(world: World, did: string): Promise<bigint> {
  const [row] = await pumped(
    world.disks.ledger.database.read({
      sql: `SELECT credits - debits AS held FROM account WHERE id = 'avl:' || ?1`,
      args: [did],
    }),
  );
  return BigInt(String(row?.held ?? 0));
}

function same(what: string, is: unknown, should: unknown): void {
  if (is !== should) throw new Error(`${what}: ${String(is)}, and should be ${String(should)}`);
}
