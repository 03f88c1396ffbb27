/** I9 of money.md 7: the order and the number of messages do not change where the money ends. */
import fc from 'fast-check';
import { test } from 'vitest';
import {
  cond,
  createWorld,
  difference,
  fund,
  must,
  nonce,
  type Opened,
  openActive,
  receipt,
  START,
  sign,
  voucher,
  type World,
} from '../../apps/edge/src/ledger/testing/world.ts';
import { sweep } from '../../apps/edge/src/sweep/sweep.ts';
import { countOf, holds } from '../seed.ts';

const RUNS = countOf(1_000);
/** Past the age at which the sweep redeems what lies in a mailbox. */
const MAILBOX_MS = 20 * 60_000;

/** What anybody may send; numbers are small enough for the fund, so that nothing is cut short. */
type Message =
  | { kind: 'redeem' | 'deposit'; lane: number; cum: number }
  | { kind: 'topup' | 'credit' | 'claim'; n: number; amount: number };

const amount = fc.integer({ min: 1, max: 40 });
const message: fc.Arbitrary<Message> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('redeem' as const, 'deposit' as const),
      lane: fc.nat({ max: 3 }),
      cum: amount,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('topup' as const, 'credit' as const, 'claim' as const),
      n: fc.nat({ max: 5 }),
      amount,
    }),
  },
);
/** A nonce, a reference or a task stands for one content. */
const messages = fc
  .uniqueArray(message, {
    minLength: 1,
    maxLength: 10,
    selector: (each) => ('n' in each ? `${each.kind} ${each.n}` : JSON.stringify(each)),
  })
  .chain((set) =>
    fc.record({
      set: fc.constant(set),
      again: fc.shuffledSubarray([...set, ...set, ...set], {
        minLength: 2 * set.length,
      }),
    }),
  )
  // Some of each three copies may be left out, never all of them.
  .map(({ set, again }) => ({ set, again: [...again, ...set.filter((m) => !again.includes(m))] }));

test(`${RUNS} sets of messages give one ledger in any order and with any repetition`, async () => {
  await holds(
    'test/simulation/orders.test.ts',
    RUNS,
    fc.asyncProperty(messages, async ({ set, again }) => {
      const once = await outcome(set);
      const shuffled = await outcome(again);
      if (once !== shuffled) throw new Error(`once ${once}\nshuffled ${shuffled}`);
    }),
  );
}, 1_800_000);

/** Every account and every lane after these messages, and after the sweep emptied the mailbox. */
async function outcome(list: readonly Message[]): Promise<string> {
  const world = await createWorld();
  try {
    await fund(world, 'alice', 2_000n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 1_000n });
    for (const each of list) {
      await send(world, on, each);
      if ((await difference(world)) !== '0') throw new Error('money was made or lost');
    }
    await world.setTime(START + MAILBOX_MS);
    await sweep({ ledger: world.ports, failOverdue: async () => 0, holder: 'one' });
    const [accounts, lanes] = await world.database.readMany([
      { sql: 'SELECT id, credits - debits AS held FROM account ORDER BY id', args: [] },
      { sql: 'SELECT dir, lane, cum FROM lane ORDER BY dir, lane', args: [] },
    ]);
    return JSON.stringify([accounts, lanes], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
  } finally {
    await world.database.close();
  }
}

async function send(world: World, on: Opened, message: Message): Promise<void> {
  const { ledger } = world;
  switch (message.kind) {
    case 'redeem':
    case 'deposit': {
      const { lane, cum } = message;
      const signed = await voucher(world, on, { lane, cum: BigInt(cum) });
      if (message.kind === 'redeem') must(await ledger.redeem([{ voucher: signed }], null));
      else must(await ledger.depositVoucher(signed));
      return;
    }
    case 'topup': {
      const body = { ch: on.ch, dir: on.dir, amount: String(message.amount) };
      const signed = { ...body, nonce: nonce(message.n) };
      mayRepeat(await ledger.topupChannel(await sign(world, 'paych.topup', signed, 'alice'), null));
      return;
    }
    case 'credit': {
      const body = {
        account: world.signers.carol.did,
        amount: String(message.amount),
        ext_ref: `bank-${message.n}`,
        not_after: String(START + 1_000),
      };
      mayRepeat(await ledger.credit(await sign(world, 'rail.credit', body, 'operator'), null));
      return;
    }
    case 'claim':
      await claim(world, on, message);
  }
}

/** Each claim on a lane of its own, below no other total. */
async function claim(world: World, on: Opened, { n, amount }: { n: number; amount: number }) {
  const about = { task: `task-${n}`, lane: 10 + n };
  const signed = await cond(world, on, { ...about, cap: BigInt(amount) });
  const done = await receipt(world, on, { ...about, price: BigInt(amount) });
  const filing = { cond: signed.envelope, receipt: done.envelope };
  must(await world.ledger.fileClaim(filing, world.signers[on.payee].did, null));
}

/** The second of two equal orders is answered with the refusal that says so. */
function mayRepeat(result: { ok: true } | { ok: false; code: string }): void {
  if (result.ok || ['nonce-used', 'reference-used'].includes(result.code)) return;
  throw new Error(result.code);
}
