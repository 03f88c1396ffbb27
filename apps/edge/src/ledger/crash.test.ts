import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createWorld, difference, fund, must, openActive } from './testing/world.ts';

/** 100 kills in soak, a few otherwise: each needs a process of its own. */
const KILLS = process.env.ZS_SOAK === '1' ? 100 : 4;
const LANES = [0, 1, 2, 3];
const CHILD = fileURLToPath(new URL('./testing/settle-until-killed.ts', import.meta.url));

it(
  `${KILLS} kills during settlement lose nothing that was answered and make no money`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ledger-crash-'));
    const url = `file:${join(folder, 'ledger.db')}`;
    try {
      const first = await createWorld({ url });
      await fund(first, 'alice', 1_000_000n);
      const on = await openActive(first, { payer: 'alice', payee: 'bob', amount: 1_000_000n });
      await first.database.close();
      let stands = LANES.map(() => 0n);
      for (let kill = 0; kill < KILLS; kill++) {
        const child = spawn(process.execPath, [CHILD, url, on.ch, on.dir, ...stands.map(String)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        // Another point of the work each time.
        const answered = await killAfter(child, stands, 3 + kill * 5);
        stands = await checkAfterRestart(url, on, answered);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  KILLS * 30_000,
);

/** Where each lane stood by the child's own word when it was killed. */
async function killAfter(
  child: ChildProcess,
  stands: readonly bigint[],
  answers: number,
): Promise<bigint[]> {
  if (child.stdout === null) throw new Error('the child has no output');
  const answered = [...stands];
  const ended = new Promise<string | null>((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal));
  });
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [lane, cum] = line.split(' ');
    if (cum === undefined) continue;
    answered[Number(lane)] = BigInt(cum);
    count += 1;
    if (count === answers) child.kill('SIGKILL');
  }
  expect(await ended).toBe('SIGKILL');
  return answered;
}

async function checkAfterRestart(
  url: string,
  on: { ch: string; dir: 'a' | 'b' },
  answered: readonly bigint[],
): Promise<bigint[]> {
  const world = await createWorld({ url });
  const integrity = await world.database.read({ sql: 'PRAGMA integrity_check', args: [] });
  expect(integrity).toEqual([{ integrity_check: 'ok' }]);
  expect(await difference(world)).toBe('0');
  const channel = JSON.parse(must(await world.ledger.channel(on.ch)).json);
  const lanes: { lane: number; cum: string }[] = channel.lanes;
  const stands = LANES.map((lane) => BigInt(lanes.find((each) => each.lane === lane)?.cum ?? 0));
  for (const [lane, cum] of answered.entries()) {
    expect(stands[lane]).toBeGreaterThanOrEqual(cum);
    // At most the one that was on its way was written without its answer.
    expect(stands[lane]).toBeLessThanOrEqual(cum + 1n);
  }
  const paid = stands.reduce((sum, cum) => sum + cum, 0n);
  const escrow = BigInt(channel[`escrow_${on.dir}`]);
  expect(escrow + paid).toBe(1_000_000n);
  await world.database.close();
  return stands;
}
