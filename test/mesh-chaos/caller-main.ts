/**
 * A caller of the mesh in a process of its own: `node caller-main.ts CONFIG`. Orders work without
 * end while it is told to, and tells its parent of each job, as `caller.ts` says.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createInProcessRerun } from '@zerostate/sdk';
import { type Client, connectMeshFromState } from '@zerostate/sdk/mesh';
import { randomOf } from '../seed.ts';
import { type Ask, askSchema, configSchema, type JobEnd, type Row, type Told } from './caller.ts';

const DIGEST = 'sha-256 digest of a file';
/** Inputs: most travel inside the message, some behind it. */
const SMALL_BYTES = 2_000;
const LARGE_BYTES = 100_000;
const LARGE_SHARE = 0.15;
/** Of the jobs, those that name their executor. */
const NAMED_SHARE = 0.4;
const PAUSE_MS = 300;
const RECOVER_PAUSE_MS = 400;
const BUDGET = 1_000_000n;
const ROWS = 100_000;

const config = configSchema.parse(JSON.parse(process.argv[2] ?? ''));
const random = randomOf(config.seed);
let isWorking = false;
let lanes: Promise<void>[] = [];
let recovering: Promise<unknown> | null = null;

function tell(message: Told): void {
  process.send?.(message);
}

const { folder, bootstrap, network } = config;
const rerun = createInProcessRerun();
const connected = await connectMeshFromState(folder, {
  bootstrap,
  network,
  rerun,
  allowPrivate: true,
});
if (!connected.ok) throw new Error(`${connected.code}: ${connected.detail ?? ''}`);
const client = connected.value;

async function lane(nth: number): Promise<void> {
  for (let i = 0; isWorking; i++) {
    await job(`${config.name}-${nth}-${i}`);
    await pause(PAUSE_MS * (0.5 + random()));
  }
}

async function job(name: string): Promise<void> {
  const isLarge = random() < LARGE_SHARE;
  const input = new Uint8Array(isLarge ? LARGE_BYTES : SMALL_BYTES).map(() => random() * 256);
  const did = config.executors[Math.floor(random() * config.executors.length)] ?? '';
  const asked = random() < NAMED_SHARE ? { agent: { did, agent: 'digest' } } : { query: DIGEST };
  tell({ told: 'begun', job: name, at: Date.now() });
  const tasks = new Set<string>();
  const ran = await client.run({
    ...asked,
    input,
    budget: BUDGET,
    verify: 'always',
    onProgress: ({ step, about }) => {
      if (step === 'submit' && about.task !== undefined) tasks.add(about.task);
    },
  });
  const code = ran.ok ? ran.value.status : `${ran.code} ${ran.detail ?? ''}`.trim();
  const tried = (ran.ok ? ran.value.tried : ran.tried).map((each) => each.code);
  const took = rounded(ran.ok ? ran.value.timings_ms : ran.timings_ms);
  const paths = await closed(client, [...tasks]);
  const end: JobEnd = { code, tried, took, ...paths };
  tell({ told: 'ended', job: name, at: Date.now(), end });
}

function rounded(times: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(times).map(([step, ms]) => [step, Math.round(ms)]));
}

/** Until nothing of the job is owed any more: each of its tasks is paid, or was given up. */
async function closed({ wallet }: Client, tasks: readonly string[]) {
  for (let looks = 0; ; looks++) {
    const known = await Promise.all(tasks.map((task) => wallet.task(task)));
    const isOpen = known.some(
      (task) => task !== null && (['offered', 'objected'].includes(task.state) || !task.delivered),
    );
    if (!isOpen) {
      const states = known.map((task) => task?.state ?? 'never signed');
      return { recoveries: looks, states };
    }
    await recover();
    await pause(RECOVER_PAUSE_MS);
  }
}

/** One at a time, for all jobs. */
async function recover(): Promise<void> {
  recovering ??= client.recover().finally(() => {
    recovering = null;
  });
  await recovering;
}

async function rows(): Promise<Row[]> {
  const tasks = await client.wallet.tasks(ROWS);
  return tasks.map(({ task, ch, lane, state, receiptId, price, manifest, voucher }) => ({
    task,
    ch,
    lane,
    state,
    receipt: receiptId,
    price: String(price ?? 0n),
    executor: manifest.body.executor,
    cum: voucher?.body.cum ?? '0',
  }));
}

async function obey({ ask }: Ask): Promise<void> {
  if (ask === 'work') {
    isWorking = true;
    lanes = Array.from({ length: config.lanes }, (_, nth) => lane(nth));
  }
  if (ask === 'rest') {
    isWorking = false;
    await Promise.all(lanes);
    await recover();
    tell({ told: 'rows', rows: await rows() });
  }
}

process.on('message', (message) => void obey(askSchema.parse(message)));
process.on('disconnect', () => process.exit());
tell({ told: 'ready' });
