/**
 * `npm run bench -- mesh`: what the mesh adds to libp2p, on real nodes in one process on loopback.
 * `vs raw-libp2p` is a plain libp2p stream over the same connection, taken in the same run.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Mesh } from '@zerostate/mesh';
import { createSigner } from '@zerostate/shared';
import { PEER_BYTES_PER_S } from '../packages/mesh/src/limits.ts';
import { until } from '../packages/mesh/src/testing/adapters/system.ts';
import { signedCard } from '../packages/mesh/src/testing/cards.ts';
import { addressOf, TCP, TestMesh, WS } from '../packages/mesh/src/testing/nodes.ts';

import { gossipFigures } from './mesh-gossip.ts';
import { failoverFigures, relayMemory } from './mesh-relays.ts';
import { type BenchOptions, type BenchReport, type BenchResult, median } from './report.ts';

const BODY_BYTES = 8_388_608;
const MIB = 1_048_576;
const PIECE_BYTES = 65_536;
/** Small questions for each body, and what lies between them: a peer may ask fifty a second. */
const ROUND_TRIPS = 20;
const ROUND_TRIP_PAUSE_MS = 25;
/** Nodes that connect at a time: twenty a second may come from one address. */
const CONNECTING = 10;
const TASK = 'A'.repeat(43);
const SINK = '/bench/sink/1';
const never = new AbortController().signal;

export async function run({ full, note }: BenchOptions): Promise<BenchReport> {
  const rounds = full ? 16 : 6;
  const results: BenchResult[] = [];
  for (const [name, listen] of [
    ['direct.tcp', TCP],
    ['direct.ws', WS],
  ] as const) {
    note(`${name}: ${rounds} rounds of 8 MiB`);
    results.push(...(await streams(name, rounds, (mesh) => direct(mesh, listen))));
  }
  note(`relayed: ${rounds} rounds of 8 MiB`);
  results.push(...(await streams('relayed', rounds, relayed)));
  const made = full ? 100 : 50;
  note(`connections: ${made}`);
  results.push(await connections(made));
  note('table: put and get');
  results.push(...(await table(full ? 50 : 10)));
  const deaths = full ? 50 : 10;
  note(`failover: a relay dies ${deaths} times`);
  results.push(...(await failoverFigures(deaths)));
  const peers = full ? 128 : 48;
  note(`relay: ${peers} peers`);
  results.push(await relayMemory(peers));
  for (const nodes of full ? [20, 50] : [20]) {
    note(`gossip: ${nodes} nodes`);
    results.push(...(await gossipFigures(nodes, full ? 100 : 20)));
  }
  return { suite: 'mesh', machine: '', results };
}

type Pair = { from: Mesh; to: Mesh };

async function direct(mesh: TestMesh, listen: string): Promise<Pair> {
  const [to, from] = [await mesh.node({ listen: [listen] }), await mesh.node({ listen: [] })];
  await from.connect(addressOf(to));
  return { from, to };
}

async function relayed(mesh: TestMesh): Promise<Pair> {
  const relay = await mesh.relay();
  const to = await mesh.node({ listen: [], relays: [addressOf(relay)] });
  const from = await mesh.node({ listen: [] });
  const through = await until(() => to.addresses().find((one) => one.includes('/p2p-circuit/')));
  await from.connect(through);
  return { from, to };
}

/** MB/s of a task's body and ms of a small question, and of plain streams, by turns over one connection. */
async function streams(
  name: string,
  rounds: number,
  pairOf: (mesh: TestMesh) => Promise<Pair>,
): Promise<BenchResult[]> {
  const mesh = new TestMesh();
  try {
    const { from, to } = await pairOf(mesh);
    to.tasks.handle('task.cancel', async () => ({ ok: true, value: { message: null } }));
    await sink(to);
    const bulk: Compared = { ours: [], raw: [] };
    const small: Compared = { ours: [], raw: [] };
    for (let round = 0; round < rounds; round++) {
      // Within what one peer may send: past it a node refuses, by design.
      await pause((1_100 * BODY_BYTES) / PEER_BYTES_PER_S);
      // By turns: whoever comes after the pause meets a connection that has slowed down.
      const ours = async () => bulk.ours.push(await rate(() => asked(from, to, BODY_BYTES)));
      const raw = async () => bulk.raw.push(await rate(() => streamed(from, to, BODY_BYTES)));
      for (const one of round % 2 === 0 ? [ours, raw] : [raw, ours]) await one();
    }
    for (let round = 0; round < rounds * ROUND_TRIPS; round++) {
      await pause(ROUND_TRIP_PAUSE_MS);
      small.ours.push(await time(() => asked(from, to, 0)));
      small.raw.push(await time(() => streamed(from, to, 1)));
    }
    return [
      { name: `${name}.mb_per_s`, unit: 'MB/s', better: 'higher', ...compared(bulk, 1) },
      { name: `${name}.round_trip.p50_ms`, unit: 'ms', better: 'lower', ...compared(small, 2) },
    ];
  } finally {
    await mesh.stop();
  }
}

type Compared = { ours: number[]; raw: number[] };

function compared({ ours, raw }: Compared, digits: number): Pick<BenchResult, 'value' | 'vs'> {
  const ratio = Number((median(ours) / median(raw)).toFixed(3));
  return { value: Number(median(ours).toFixed(digits)), vs: { 'raw-libp2p': ratio } };
}

/** Connections that one node takes from others that start: handshake, identify and greeting. */
async function connections(count: number): Promise<BenchResult> {
  const mesh = new TestMesh();
  try {
    const to = await mesh.node();
    const address = addressOf(to);
    let ms = 0;
    for (let made = 0; made < count; made += CONNECTING) {
      const nodes: Mesh[] = [];
      for (let i = 0; i < CONNECTING; i++) nodes.push(await mesh.node({ listen: [] }));
      // Within what one address may open a second.
      await pause(1_100);
      ms += await time(async () => {
        await Promise.all(nodes.map((node) => node.connect(address)));
        await until(() => nodes.every((node) => node.agreed(to.did) !== null));
      });
    }
    const value = Number(((count / ms) * 1_000).toFixed(1));
    return { name: 'connections.per_s', value, unit: '1/s', better: 'higher' };
  } finally {
    await mesh.stop();
  }
}

async function time(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function rate(work: () => Promise<void>): Promise<number> {
  return BODY_BYTES / MIB / ((await time(work)) / 1_000);
}

async function asked(from: Mesh, to: Mesh, bytes: number): Promise<void> {
  const message = { type: 'task.cancel', body: { task: TASK } } as const;
  const options = { body: new Uint8Array(bytes), withinMs: 60_000 };
  const answered = await from.tasks.ask(to.did, message, options);
  if (!answered.ok) throw new Error(`${answered.code} ${answered.detail ?? ''}`);
}

async function sink(node: Mesh): Promise<void> {
  await node.wire.handle(SINK, 8, async (stream) => {
    for (;;) {
      const bytes = await stream.read(never);
      if (!bytes.ok || bytes.value === null) break;
    }
    await stream.write(Uint8Array.of(1), never);
    await stream.end(never);
  });
}

async function streamed(from: Mesh, to: Mesh, bytes: number): Promise<void> {
  const opened = await from.wire.open(to.did, SINK, never);
  if (!opened.ok) throw new Error(opened.code);
  const body = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    await opened.value.write(body.subarray(at, at + PIECE_BYTES), never);
  }
  await opened.value.end(never);
  await opened.value.read(never);
}

/** Round trips of the table with eight nodes. */
async function table(cards: number): Promise<BenchResult[]> {
  const mesh = new TestMesh();
  try {
    const boot = await mesh.node();
    const seed = mesh.seed();
    const publisher = await mesh.node({ bootstrap: [addressOf(boot)] }, { seed });
    const others: Mesh[] = [];
    for (let i = 0; i < 6; i++) others.push(await mesh.node({ bootstrap: [addressOf(boot)] }));
    const signer = await createSigner(seed);
    await until(() => boot.wire.connections().length >= 7);
    const [puts, gets]: [number[], number[]] = [[], []];
    for (let i = 0; i < cards; i++) {
      const signed = await signedCard(signer, `agent-${i}`, 1, Date.now());
      const start = performance.now();
      await publisher.cards.publish(signed);
      puts.push(performance.now() - start);
      const middle = performance.now();
      await others[i % others.length]?.cards.resolve(signer.did, `agent-${i}`);
      gets.push(performance.now() - middle);
    }
    const figure = (name: string, values: number[]): BenchResult => {
      const value = Number(median(values).toFixed(1));
      return { name, value, unit: 'ms', better: 'lower' };
    };
    return [figure('dht.put.p50_ms', puts), figure('dht.get.p50_ms', gets)];
  } finally {
    await mesh.stop();
  }
}
