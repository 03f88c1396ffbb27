/**
 * Relays killed and networks split while jobs run (design/mesh.md): no job is run or paid twice,
 * and what was under way comes to its end within seconds of healing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Child } from '../../scripts/start/child.ts';
import { startProcessEdge } from '../../scripts/start/edge.ts';
import { freePort } from '../../scripts/start/state.ts';
import { must, until } from '../integration/dispute-network.ts';
import { keyedParty } from '../integration/mesh-network.ts';
import { countOf, IS_SOAK, randomOf, seedFor } from '../seed.ts';
import { balance } from './books.ts';
import { CallerProcess, type Job } from './caller.ts';
import { type Executor, makeExecutor, RelayDaemon, startExecutor, waysTo } from './nodes.ts';
import { between, type Fault, scheduleOf, wordsOf } from './schedule.ts';
import { Switchboard } from './switchboard.ts';

const FILE = 'test/mesh-chaos/mesh-chaos.test.ts';
const KILLS = countOf(50);
const PARTITIONS = countOf(20);
/** Eight nodes in the soak. */
const EXECUTORS = IS_SOAK ? 5 : 3;
const CALLERS = IS_SOAK ? 3 : 2;
const LANES = 2;
const RELAYS = 2;
const FUNDS = 1_000_000_000n;
/** design/mesh.md. */
const DONE_MS = 10_000;
const SHARE_LEAST = 0.95;
/** Between two faults, so that jobs are under way at each. */
const QUIET_MS = [300, 1_500] as const;
const LOOK_MS = 50;

const board = new Switchboard();
const children: Child[] = [];
const relays: RelayDaemon[] = [];
const executors: Executor[] = [];
const callers: CallerProcess[] = [];
const seed = seedFor(FILE);
const random = randomOf(seed);
const begunAt = Date.now();
/** Rejects when a process ends that nobody ended. */
const ended = Promise.withResolvers<never>();
ended.promise.catch(() => undefined);
let isOver = false;
let state: string;
let url: string;

function say(words: string): void {
  console.log(`${((Date.now() - begunAt) / 1_000).toFixed(1).padStart(6)} s  ${words}`);
}

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'zs-mesh-chaos-'));
  const port = await freePort(0);
  const far = `http://127.0.0.1:${await board.lay('edge', port)}`;
  const settings = { ORIGINS: `http://127.0.0.1:${port},${far}`, LOG_LEVEL: 'warn' };
  url = await startProcessEdge(state, port, started, { settings });
  for (let i = 0; i < RELAYS; i++) {
    const relay = await RelayDaemon.make(`relay-${i}`, state, board);
    relays.push(relay);
    await relay.start();
  }
  for (let i = 0; i < EXECUTORS; i++) {
    const executor = await makeExecutor(`executor-${i}`, state, far, relays);
    executors.push(executor);
    started(await startExecutor(executor, board));
  }
  for (const { did, edge } of executors) {
    const online = until(async () => {
      const card = await edge.card(did, 'digest');
      return card.ok && card.value.online;
    });
    await Promise.race([online, ended.promise]);
  }
  for (let i = 0; i < CALLERS; i++) callers.push(await caller(`caller-${i}`));
});
afterAll(async () => {
  isOver = true;
  for (const each of callers) await each.stop();
  for (const child of children.reverse()) await child.stop();
  for (const relay of relays) await relay.stop();
  await board.remove();
  await rm(state, { recursive: true, force: true });
});

function started(child: Child): void {
  children.push(child);
  void child.ended.then((reason) => {
    if (!isOver) ended.reject(new Error(`${child.name} ended (${reason}): ${child.tail()}`));
  });
}

async function caller(name: string): Promise<CallerProcess> {
  const party = await keyedParty(state, name, url);
  must(await party.edge.faucet(FUNDS));
  const { network } = must(await party.edge.network());
  const config = {
    name,
    folder: party.folder,
    network,
    seed: Math.floor(random() * 2 ** 31),
    lanes: LANES,
    bootstrap: executors.flatMap((executor) => waysTo(executor, relays)),
    executors: executors.map(({ did }) => did),
  };
  const made = new CallerProcess(config, board.environmentOf(name));
  await made.ready();
  return made;
}

function jobs(): Job[] {
  return callers.flatMap((each) => [...each.jobs.values()]);
}

/** Lets a fault happen and pass; answers when it was over. */
async function suffer(fault: Fault): Promise<number> {
  if (fault.kind === 'partition') {
    board.cut(fault.cut);
    await pause(fault.ms);
    board.heal();
    return Date.now();
  }
  const hit = relays.filter(({ name }) => fault.relays.includes(name));
  await Promise.all(hit.map((relay) => relay.kill()));
  await pause(fault.ms);
  await Promise.all(hit.map((relay) => relay.start()));
  return Date.now();
}

/** How long each job that was under way took from then on, in ms; null: too long. */
async function watch(underWay: readonly Job[], since: number): Promise<(number | null)[]> {
  while (Date.now() < since + DONE_MS && underWay.some(({ ended }) => ended === null)) {
    await pause(LOOK_MS);
  }
  return underWay.map(({ ended }) => {
    const ms = ended === null ? null : ended.at - since;
    return ms === null || ms > DONE_MS ? null : Math.max(0, ms);
  });
}

test(`${KILLS} relay kills and ${PARTITIONS} partitions during jobs lose and double no money`, async () => {
  const world = {
    nodes: [
      ...executors.map(({ name }) => name),
      ...Array.from({ length: CALLERS }, (_, i) => `caller-${i}`),
    ],
    relays: relays.map(({ name }) => name),
    edge: 'edge',
  };
  const schedule = scheduleOf(world, { kills: KILLS, partitions: PARTITIONS }, random);
  for (const each of callers) each.work();
  // Until everybody has done something: from then on the network is in use.
  await until(async () =>
    callers.every((each) => [...each.jobs.values()].some((job) => job.ended)),
  );
  say(`jobs flow: ${jobs().length} by now`);

  const took: (number | null)[] = [];
  const late = new Set<Job>();
  for (const fault of schedule) {
    await pause(between(QUIET_MS, random));
    say(wordsOf(fault));
    const healedAt = await Promise.race([suffer(fault), ended.promise]);
    const underWay = jobs().filter(({ ended }) => ended === null || ended.at > healedAt);
    const times = await watch(underWay, healedAt);
    took.push(...times);
    const slow = underWay.filter((_, i) => times[i] === null);
    for (const job of slow) late.add(job);
    const slowest = Math.max(0, ...times.map((ms) => ms ?? DONE_MS));
    const names = slow.map(({ name }) => name).join(' ') || 'none';
    say(`healed: ${times.length} under way, slowest ${slowest} ms, late: ${names}`);
  }
  const rested = (await Promise.all(callers.map((each) => each.rest()))).flat();
  say('everybody rests');

  const all = jobs();
  for (const { name, ended, begunAt: at } of late) {
    say(`${name} took ${(ended?.at ?? Date.now()) - at} ms: ${JSON.stringify(ended?.end)}`);
  }
  const codes = Map.groupBy(all, ({ ended }) => ended?.end.code.split(' ')[0] ?? 'never ended');
  say([...codes].map(([code, list]) => `${code} ${list.length}`).join(', '));
  const books = await balance(url, executors, rested);
  const onTime = took.filter((ms) => ms !== null);
  const share = took.length === 0 ? 1 : onTime.length / took.length;
  say(`${all.length} jobs; ${books.tasks} tasks paid with ${books.paid}`);
  say(`${books.givenUp} tasks given up, of which ${books.givenUpDone} were done all the same`);
  const slowest = Math.max(0, ...onTime);
  say(`${took.length} under way at healing, ${(share * 100).toFixed(1)} % in time, ${slowest} ms`);
  expect(board.strangers).toBe(0);
  expect(books.tasks).toBeGreaterThan(0);
  if (IS_SOAK) expect(share).toBeGreaterThanOrEqual(SHARE_LEAST);
}, 3_600_000);
