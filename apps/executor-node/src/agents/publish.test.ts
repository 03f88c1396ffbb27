import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cardHash,
  createVerifier,
  envelopeField,
  validateAgentCard,
  verifyCard,
} from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { HELLO, World } from '../testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  await world.end();
  expect(world.failures).toEqual([]);
});

const HOUR = 3_600_000;
let folders = 0;
const published = z.object({
  record: envelopeField,
  card: z.record(z.string(), z.unknown()),
});

function cards() {
  const messages = world.edge.received.filter((m) => m.type === 'card.publish');
  return messages.map(({ body }) => published.parse(body));
}

function list() {
  return world.node?.execute({ command: 'card-list' });
}

async function add(folder = world.agentFolder) {
  return world.node?.execute({ command: 'card-add', folder });
}

/** An agent like the world's with some of its agent.json changed, and its own module. */
async function agentWith(changes: Record<string, unknown>, wasm: Uint8Array = HELLO) {
  const folder = join(world.root, `agent-${++folders}`);
  await mkdir(folder);
  const text = await readFile(join(world.agentFolder, 'agent.json'), 'utf8');
  await writeFile(join(folder, 'agent.json'), JSON.stringify({ ...JSON.parse(text), ...changes }));
  await writeFile(join(folder, 'hello.wasm'), wasm);
  return folder;
}

test('a card is signed, names its modules, and these are with the edge before it', async () => {
  const node = await world.start();
  expect(await add()).toMatchObject({ ok: true, value: { agent: 'hello', state: 'sent' } });
  await world.edge.message('card.publish');
  expect([...world.edge.blobs.keys()]).toEqual([world.module]);
  const [first] = cards();
  if (first === undefined) throw new Error('no card');
  const { record, card } = first;
  expect(await verifyCard(card, node.did, createVerifier())).toMatchObject({ ok: true });
  expect(record.body).toMatchObject({
    did: node.did,
    agent: 'hello',
    revoked: 'false',
    card_sha256: cardHash(card),
  });
  const valid = validateAgentCard(card);
  expect(valid.ok && valid.value.params.programs[0]?.module).toBe(world.module);
  await world.outboxEmpty();
  expect(await list()).toMatchObject({ value: [{ agent: 'hello', state: 'live' }] });
});

test('what could not be run or kept is refused before anything is signed', async () => {
  await world.start();
  const limits = {
    gas_max: '1',
    pages_max: '1',
    wall_ms_max: '1',
    input_max: '1',
    output_max: '1',
  };
  const cases: [string, string][] = [
    ['agent-file-missing', join(world.root, 'nowhere')],
    ['agent-file-invalid', await agentWith({ agent: 'Not A Name' })],
    ['agent-file-invalid', await agentWith({ colour: 'red' })],
    ['agent-file-invalid', await agentWith({ price: { base: '1.5' } })],
    ['module-missing', await agentWith({ programs: [program('other.wasm')] })],
    ['agent-file-invalid', await agentWith({ programs: [program('../hello.wasm')] })],
    ['module-inadmissible', await agentWith({}, new Uint8Array([0, 97, 115, 109, 9]))],
    ['limits-too-high', await agentWith({ limits: { ...limits, pages_max: '65537' } })],
    ['card-program-skill', await agentWith({ programs: [program('hello.wasm', 'other')] })],
  ];
  for (const [code, folder] of cases) expect(await add(folder)).toMatchObject({ ok: false, code });
  expect(await list()).toMatchObject({ value: [] });

  function program(file: string, skill = 'greet') {
    return { skill, file, abi: 'call', fn: 'hello' };
  }
});

test('a revoked agent is told to the edge with a higher seq, and runs no more', async () => {
  const caller = await world.ready();
  await world.node?.execute({ command: 'card-revoke', agent: 'hello' });
  await world.edge.until(() => cards()[1]);
  const [first, last] = cards().map(({ record }) => record.body);
  expect(last).toMatchObject({ agent: 'hello', revoked: 'true' });
  expect(Number(last?.seq)).toBeGreaterThan(Number(first?.seq));
  const { task } = await caller.offer();
  const reject = await world.edge.message('task.reject', (body) => body.task === task);
  expect(reject.body.code).toBe('agent-unknown');
  expect(await world.node?.execute({ command: 'card-revoke', agent: 'nobody' })).toMatchObject({
    code: 'card-unknown',
  });
});

test('a card is signed again before it expires', async () => {
  await world.start();
  await add();
  await world.edge.until(() => cards()[0]);
  await world.stop();
  world.time.advance(13 * HOUR);
  await world.start();
  await world.edge.until(() => cards()[1]);
  const [first, renewed] = cards().map(({ record }) => Number(record.body.expires_at));
  expect((renewed ?? 0) - (first ?? 0)).toBe(13 * HOUR);
});

test('a card that the edge refuses says why, and is tried again', async () => {
  await world.start();
  world.edge.refuse = ({ type }) => (type === 'card.publish' ? 'account-unfunded' : null);
  await add();
  await world.passUntil(0, () => world.lines.some(({ event }) => event === 'message refused'));
  await world.outboxEmpty();
  expect(await list()).toMatchObject({ value: [{ state: 'refused', code: 'account-unfunded' }] });
  world.edge.refuse = () => null;
  await world.passUntil(1_000, () => cards().length > 0);
});

test('an edge that is away delays a card and does not lose it', async () => {
  await world.start();
  world.edge.isHttpDown = true;
  expect(await add()).toMatchObject({ value: { state: 'waiting', code: 'storage-unavailable' } });
  world.edge.isHttpDown = false;
  await world.passUntil(1_000, () => cards().length > 0);
  expect(world.edge.blobs.size).toBe(1);
});
