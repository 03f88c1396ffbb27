/** Attacks on money that goes out. W is a pending withdrawal of 100 by A, from FIXTURE. */
import { type Attack, transfer } from './attack-sql.ts';

const PENDING = `INSERT INTO account(id, owner, kind) VALUES ('ral:op', 'L', 'rail');
  INSERT INTO rail_event VALUES ('op', 'W', 'withdraw', 'avl:A', 100, 'pending');
  INSERT INTO withdrawal(id, rail, owner, amount, destination, at)
    SELECT 'W', 'op', 'A', 100, 'bank', now_ms FROM clock;`;
const end = (state: string, event = 'W') =>
  `UPDATE rail_event SET state = '${state}' WHERE rail = 'op' AND ext_ref = '${event}';`;
const settle = (outcome: string, ref: string, withdrawal = 'W') =>
  `INSERT INTO settlement SELECT '${withdrawal}', 'op', '${outcome}', ${ref}, NULL, 'O', now_ms
   FROM clock;`;
const held = (id: string, debit: string, credit: string, amount: number, code: string, ref = 'W') =>
  `INSERT INTO transfer(id, debit, credit, amount, code, ref, ts)
   SELECT '${id}', '${debit}', '${credit}', ${amount}, '${code}', '${ref}', now_ms FROM clock;`;

const HOLDS: Attack[] = [
  {
    name: 'a withdrawal above what is free',
    before: PENDING,
    attack: `INSERT INTO rail_event VALUES ('op', 'X', 'withdraw', 'avl:A', 1801, 'pending');`,
  },
  {
    name: 'a withdrawal of escrow',
    before: PENDING,
    attack: `INSERT INTO rail_event VALUES ('op', 'X', 'withdraw', 'esc:C:a', 1, 'pending');`,
  },
  {
    name: 'a withdrawal of a bond',
    before: `${PENDING} ${transfer('b', 'avl:A', 'bnd:k', 5)}`,
    attack: `INSERT INTO rail_event VALUES ('op', 'X', 'withdraw', 'bnd:k', 1, 'pending');`,
  },
  {
    name: 'a withdrawal by an account that is not there',
    before: PENDING,
    attack: `INSERT INTO rail_event VALUES ('op', 'X', 'withdraw', 'avl:N', 1, 'pending');`,
  },
  {
    name: 'held money paid to a stranger',
    before: PENDING,
    attack: held('z', 'hld:op:W', 'avl:M', 100, 'withdraw'),
  },
  {
    name: 'held money returned while its withdrawal is pending',
    before: PENDING,
    attack: held('z', 'hld:op:W', 'avl:A', 100, 'withdraw-return'),
  },
  {
    name: 'held money paid out while its withdrawal is pending',
    before: PENDING,
    attack: held('z', 'hld:op:W', 'ral:op', 100, 'withdraw'),
  },
  {
    name: 'more money put into a hold',
    before: PENDING,
    attack: held('z', 'avl:A', 'hld:op:W', 100, 'withdraw-hold'),
  },
  {
    name: 'a hold without a withdrawal',
    before: `INSERT INTO account(id, owner, kind) VALUES ('hld:op:Y', 'A', 'hold');`,
    attack: held('z', 'avl:A', 'hld:op:Y', 5, 'withdraw-hold', 'Y'),
  },
  {
    name: 'money that leaves past its hold',
    before: PENDING,
    attack: transfer('z', 'avl:A', 'ral:op', 5, 'withdraw'),
  },
];

const TWO_PAID = `${PENDING}
  INSERT INTO rail_event VALUES ('op', 'X', 'withdraw', 'avl:A', 1, 'pending');
  INSERT INTO withdrawal(id, rail, owner, amount, destination, at)
    SELECT 'X', 'op', 'A', 1, 'bank', now_ms FROM clock;
  ${end('done')} ${end('done', 'X')} ${settle('done', `'p'`)}`;

const ENDS: Attack[] = [
  {
    name: 'a paid withdrawal that is refused as well',
    before: `${PENDING} ${end('done')}`,
    attack: end('failed'),
  },
  {
    name: 'a refused withdrawal that is paid as well',
    before: `${PENDING} ${end('failed')}`,
    attack: end('done'),
  },
  {
    name: 'a withdrawal paid twice',
    before: `${PENDING} ${end('done')}`,
    attack: end('done'),
  },
  {
    name: 'a withdrawal paid with another amount',
    before: PENDING,
    attack: `UPDATE rail_event SET state = 'done', amount = 99 WHERE ext_ref = 'W';`,
  },
  {
    name: 'a withdrawal that nothing is held for',
    attack: `INSERT INTO withdrawal(id, rail, owner, amount, destination, at)
      SELECT 'W', 'op', 'A', 100, 'bank', now_ms FROM clock;`,
  },
  {
    name: 'a withdrawal of another amount than is held',
    before: `${PENDING} INSERT INTO rail_event VALUES ('op', 'X', 'withdraw', 'avl:A', 1, 'pending');`,
    attack: `INSERT INTO withdrawal(id, rail, owner, amount, destination, at)
      SELECT 'X', 'op', 'A', 2, 'bank', now_ms FROM clock;`,
  },
  {
    name: 'a settlement of a pending withdrawal',
    before: PENDING,
    attack: settle('done', `'p'`),
  },
  {
    name: 'a settlement that says otherwise than the event',
    before: `${PENDING} ${end('failed')}`,
    attack: settle('done', `'p'`),
  },
  {
    name: 'a payment without its reference',
    before: `${PENDING} ${end('done')}`,
    attack: settle('done', 'NULL'),
  },
  {
    name: 'one payment for two withdrawals',
    before: TWO_PAID,
    attack: settle('done', `'p'`, 'X'),
  },
  {
    name: 'a payment that takes the place of another',
    before: TWO_PAID,
    attack: settle('done', `'p'`, 'X').replace('INSERT', 'INSERT OR REPLACE'),
  },
];

const RECORDS: Attack[] = [
  ['withdrawal', `destination = 'mine'`],
  ['settlement', `ext_ref = 'q'`],
].flatMap(([table = '', edit = '']) => {
  const before = `${PENDING} ${end('done')} ${settle('done', `'p'`)}`;
  return [
    { name: `an edited ${table}`, before, attack: `UPDATE ${table} SET ${edit};` },
    { name: `a deleted ${table}`, before, attack: `DELETE FROM ${table};` },
    {
      name: `a second ${table}`,
      before,
      attack: `INSERT OR REPLACE INTO ${table} SELECT * FROM ${table};`,
    },
  ];
});

export const WITHDRAWAL_ATTACKS: readonly Attack[] = [...HOLDS, ...ENDS, ...RECORDS];
