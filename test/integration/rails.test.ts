/** Money in and out over the operators' rail, with the commands that people type. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyFile, createSigner, systemRng } from '@zerostate/sdk/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../../packages/sdk/src/cli/program.ts';
import type { Child } from '../../scripts/start/child.ts';
import { startProcessEdge } from '../../scripts/start/edge.ts';

const children: Child[] = [];
let folder: string;
let url: string;
let owner: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zs-rails-'));
  const [operator] = await Promise.all([keyOf('operator'), keyOf('stranger')]);
  owner = await keyOf('owner');
  const settings = { OPERATORS: operator };
  url = await startProcessEdge(join(folder, 'edge'), 0, (child) => children.push(child), {
    settings,
  });
});
afterAll(async () => {
  for (const child of children) await child.stop();
  await rm(folder, { recursive: true, force: true });
});

async function keyOf(name: string): Promise<string> {
  const seed = await createKeyFile(join(folder, name), systemRng);
  if (!seed.ok) throw new Error(seed.code);
  return (await createSigner(seed.value)).did;
}

type Said = { code: number; out: string; err: string; json(): Record<string, unknown> };

async function zs(who: string, args: readonly string[], edge = url): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const common = ['--edge', edge, '--state', join(folder, who)];
  const code = await runProgram([...args, ...common], {
    stdin: (async function* () {})(),
    out: (data) => out.push(String(data)),
    err: (line) => err.push(line),
    isTerminal: false,
    env: {},
    signal: new AbortController().signal,
  });
  const text = out.join('');
  return { code, out: text, err: err.join('\n'), json: () => JSON.parse(text) };
}

const held = async () => {
  const { available, withdrawing } = (await zs('owner', ['account', 'show', '--json'])).json();
  return { available, withdrawing };
};

test('an operator credits a payment once, and a signed credit is handed in by its owner', async () => {
  const credit = ['operator', 'credit', owner, '40', '--ref', 'bank 1'];
  expect(await zs('operator', [...credit, '--json'])).toMatchObject({ code: 0 });
  const again = await zs('operator', credit);
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toContain('reference-used');
  expect((await zs('stranger', [...credit.slice(0, 5), 'bank 2'])).err).toContain(
    'operator-unknown',
  );
  const signed = await zs('operator', [
    ...['operator', 'credit', owner, '60', '--ref', 'bank 3', '--sign-only'],
  ]);
  const file = join(folder, 'credit.json');
  await writeFile(file, signed.out);
  const deposit = await zs('owner', ['account', 'deposit', file, '--json']);
  expect(deposit.json()).toMatchObject({ did: owner, available: '100', withdrawing: '0' });
  expect((await zs('owner', ['account', 'deposit', file])).err).toContain('reference-used');
});

test('a withdrawal is held, listed, paid and shown; a refused one comes back', async () => {
  const taken = await zs('owner', ['account', 'withdraw', '25', '--to', 'DE02 1203', '--json']);
  expect(taken.json()).toMatchObject({ amount: '25', state: 'pending', destination: 'DE02 1203' });
  expect(await held()).toEqual({ available: '75', withdrawing: '25' });
  const second = await zs('owner', ['account', 'withdraw', '5', '--to', 'nowhere', '--json']);
  const list = (await zs('operator', ['operator', 'withdrawals', '--json'])).json();
  expect(list.withdrawals).toMatchObject([{ amount: '25' }, { amount: '5' }]);
  const id = String(taken.json().withdrawal);
  const confirm = ['operator', 'confirm', id, '--ref', 'bank 9'];
  expect((await zs('operator', [...confirm, '--json'])).json()).toMatchObject({ state: 'done' });
  expect(await zs('operator', confirm)).toMatchObject({ code: 0 });
  const other = await zs('operator', ['operator', 'confirm', id, '--ref', 'bank 10']);
  expect(other.err).toContain('withdrawal-final');
  const refuse = ['operator', 'refuse', String(second.json().withdrawal), '--reason', 'no bank'];
  expect(await zs('operator', refuse)).toMatchObject({ code: 0 });
  expect(await held()).toEqual({ available: '75', withdrawing: '0' });
  const mine = (await zs('owner', ['account', 'withdrawals'])).out;
  expect(mine).toMatch(/25 .*done .*bank 9/);
  expect(mine).toMatch(/5 .*failed .*no bank/);
  expect((await zs('owner', ['account', 'withdrawals', '--pending', '--json'])).json()).toEqual({
    withdrawals: [],
  });
  expect((await zs('stranger', ['operator', 'withdrawals', '--json'])).json()).toEqual({
    withdrawals: [],
  });
  expect((await zs('stranger', ['operator', 'confirm', id, '--ref', 'x'])).err).toContain(
    'forbidden',
  );
});

test('a withdrawal whose reply was lost is sent again, and taken out once', async () => {
  const before = await held();
  const asked = ['account', 'withdraw', '10', '--to', 'DE02', '--json'];
  const lost = await withLostReply((through) => zs('owner', asked, through));
  expect(lost.code).toBe(1);
  const kept = (await readdir(join(folder, 'owner'))).filter((name) => name.startsWith('withdraw'));
  expect(kept).toHaveLength(1);
  expect(await held()).toMatchObject({ withdrawing: '10' });
  const again = await zs('owner', asked);
  expect(again.json()).toMatchObject({ amount: '10', state: 'pending' });
  expect(await held()).toEqual({
    available: String(Number(before.available) - 10),
    withdrawing: '10',
  });
  const left = (await readdir(join(folder, 'owner'))).filter((name) => name.startsWith('withdraw'));
  expect(left).toEqual([]);
});

test.each([
  ['more than there is', ['account', 'withdraw', '1000', '--to', 'x'], 1, 'funds-insufficient'],
  ['a fraction of a micro-unit', ['account', 'withdraw', '0.0000001', '--to', 'x'], 2, 'decimals'],
  ['no place to go', ['account', 'withdraw', '1', '--to', ''], 2, 'destination'],
  ['no destination', ['account', 'withdraw', '1'], 2, '--to'],
  ['a credit of nobody', ['operator', 'credit', 'bob', '1', '--ref', 'x'], 2, 'did:key'],
  ['no withdrawal', ['operator', 'confirm', 'x', '--ref', 'y'], 2, 'not the id'],
])('%s is refused and leaves nothing behind', async (_name, args, code, why) => {
  const before = await held();
  const said = await zs('owner', args);
  expect(said).toMatchObject({ code, out: '' });
  expect(said.err).toContain(why);
  expect(await held()).toEqual(before);
  const left = (await readdir(join(folder, 'owner'))).filter((name) => name.startsWith('withdraw'));
  expect(left).toEqual([]);
});

/** A way to the edge on which orders arrive and no answer to them comes back. */
async function withLostReply(work: (through: string) => Promise<Said>): Promise<Said> {
  const { createServer } = await import('node:http');
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) {
      if (typeof value === 'string' && !/^(host|connection|content-length)$/.test(name)) {
        headers.set(name, value);
      }
    }
    const answer = await fetch(`${url}${request.url}`, {
      method: request.method ?? 'GET',
      headers,
      ...(body.length === 0 ? {} : { body }),
    });
    const text = await answer.text();
    if (request.method === 'POST') return response.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    return response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  try {
    return await work(`http://127.0.0.1:${address.port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
