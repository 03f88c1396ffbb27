import { withdrawalAnswerSchema, withdrawalListAnswerSchema } from '@zerostate/shared';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRouteWorld, type RouteWorld } from '../testing/routes.ts';
import {
  balance,
  closeBalanced,
  createWorld,
  DAY,
  fund,
  nonce,
  START,
  sign,
  type World,
} from '../testing/world.ts';

let world: World;
let routes: RouteWorld;
beforeEach(async () => {
  world = await createWorld();
  routes = createRouteWorld(world);
  await fund(world, 'alice', 100n);
});
afterEach(() => closeBalanced(world));

const withdraw = (amount: string, n = 1) =>
  sign(
    world,
    'rail.withdraw',
    {
      account: world.signers.alice.did,
      rail: 'operator',
      amount,
      destination: 'bank',
      nonce: nonce(n),
      not_after: String(START + DAY),
    },
    'alice',
  );
const debit = (withdrawal: string, more: object) =>
  sign(
    world,
    'rail.debit',
    { withdrawal, account: world.signers.alice.did, amount: '60', outcome: 'done', ...more },
    'operator',
  );
async function ask(amount = '60', n = 1) {
  const posted = await routes.post('/v1/withdrawals', { withdraw: await withdraw(amount, n) });
  expect(posted.status).toBe(201);
  return withdrawalAnswerSchema.parse(JSON.parse(posted.text));
}

it('takes money out over HTTP: asked, listed for the operator, paid, shown to its owner', async () => {
  const { withdrawal } = await ask();
  const { body } = await routes.get('/v1/withdrawals?state=pending', 'operator');
  const [wanted] = withdrawalListAnswerSchema.parse(body).withdrawals;
  expect(wanted).toMatchObject({ withdrawal, amount: '60', destination: 'bank' });
  const paid = await routes.post('/v1/debits', {
    debit: await debit(withdrawal, { ext_ref: 'payment 7' }),
  });
  expect(paid.status).toBe(200);
  const shown = await routes.get(`/v1/withdrawals/${withdrawal}`, 'alice');
  expect(shown).toMatchObject({ status: 200, body: { state: 'done', reference: 'payment 7' } });
  const { body: account } = await routes.get(`/v1/accounts/${world.signers.alice.did}`);
  expect(account).toMatchObject({ available: '40', withdrawing: '0' });
});

it('demands a key for both orders, answers it again and refuses it for another', async () => {
  const first = await withdraw('60');
  expect(await routes.post('/v1/withdrawals', { withdraw: first }, { key: null })).toMatchObject({
    status: 400,
    code: 'idempotency-key-missing',
  });
  const taken = await routes.post('/v1/withdrawals', { withdraw: first }, { key: 'w' });
  const again = await routes.post('/v1/withdrawals', { withdraw: first }, { key: 'w' });
  expect([again.status, again.text]).toEqual([201, taken.text]);
  const other = await withdraw('1', 2);
  expect(await routes.post('/v1/withdrawals', { withdraw: other }, { key: 'w' })).toMatchObject({
    status: 422,
    code: 'idempotency-mismatch',
  });
  const { withdrawal } = withdrawalAnswerSchema.parse(JSON.parse(taken.text));
  const said = { debit: await debit(withdrawal, { ext_ref: 'p' }) };
  const paid = await routes.post('/v1/debits', said, { key: 'd' });
  expect((await routes.post('/v1/debits', said, { key: 'd' })).text).toBe(paid.text);
  expect(await balance(world, 'alice')).toBe(40n);
});

it('shows where money goes to its owner and the operators, and to nobody else', async () => {
  const { withdrawal } = await ask();
  const { did } = world.signers.alice;
  for (const path of [`/v1/withdrawals/${withdrawal}`, `/v1/withdrawals?did=${did}`]) {
    expect(await routes.get(path)).toMatchObject({ status: 401 });
    expect(await routes.get(path, 'bob')).toMatchObject({ status: 403 });
    expect(await routes.get(path, 'alice')).toMatchObject({ status: 200 });
    expect(await routes.get(path, 'operator')).toMatchObject({ status: 200 });
  }
  expect((await routes.get('/v1/withdrawals', 'bob')).body).toEqual({ withdrawals: [] });
});

it('lists withdrawals oldest first, in pages', async () => {
  for (let n = 1; n <= 3; n++) await ask('10', n);
  const first = await routes.get('/v1/withdrawals?limit=2', 'operator');
  const page = withdrawalListAnswerSchema.parse(first.body);
  expect([page.withdrawals.map(({ seq }) => seq), page.next]).toEqual([[1, 2], 2]);
  const rest = await routes.get('/v1/withdrawals?after=2', 'alice');
  expect(withdrawalListAnswerSchema.parse(rest.body).withdrawals).toMatchObject([{ seq: 3 }]);
});

it.each([
  [
    'more than is free',
    async () => ({ withdraw: await withdraw('101') }),
    402,
    'funds-insufficient',
  ],
  ['no envelope', async () => ({ withdraw: { type: 'rail.withdraw' } }), 400, 'invalid-request'],
  ['a fraction', async () => ({ withdraw: await withdraw('1.5') }), 400, 'body-invalid'],
])('refuses %s with a code and holds nothing', async (_name, body, status, code) => {
  expect(await routes.post('/v1/withdrawals', await body())).toMatchObject({ status, code });
  expect(await balance(world, 'alice')).toBe(100n);
});

it('gives out play money where the network has it, and credits once for a reference', async () => {
  expect((await routes.post('/v1/faucet', { amount: '5' }, { by: 'alice' })).status).toBe(200);
  const body = {
    account: world.signers.alice.did,
    amount: '9',
    ext_ref: 'bank-1',
    not_after: String(START + 1),
  };
  const credit = await sign(world, 'rail.credit', body, 'operator');
  expect((await routes.post('/v1/credits', { credit })).status).toBe(200);
  expect(await routes.post('/v1/credits', { credit })).toMatchObject({ code: 'reference-used' });
  const more = await sign(world, 'rail.credit', { ...body, amount: '10' }, 'operator');
  expect(await routes.post('/v1/credits', { credit: more })).toMatchObject({
    code: 'reference-used',
  });
  expect(await balance(world, 'alice')).toBe(114n);
});
