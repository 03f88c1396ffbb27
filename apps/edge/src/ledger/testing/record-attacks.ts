/** Attacks on what the ledger writes once: every row that could be edited, deleted or replaced. */
import { type Attack, claim, close1, coop, lane, SIG } from './attack-sql.ts';

const EXISTING: Attack[] = [
  [
    'account',
    `id = 'avl:M'`,
    `INSERT OR REPLACE INTO account(id, owner, kind)
     VALUES ('avl:A', 'A', 'available');`,
  ],
  [
    'transfer',
    `id = 'd1'`,
    `INSERT OR REPLACE INTO transfer(id, debit, credit, amount, code, ts)
     SELECT 'd1', 'ral:x', 'avl:M', 9, 't', now_ms FROM clock;`,
  ],
  ['channel', `id = 'C'`, `INSERT OR REPLACE INTO channel SELECT * FROM channel WHERE id = 'C';`],
  [
    'lane',
    `ch = 'C'`,
    `INSERT OR REPLACE INTO lane(ch, dir, lane, cum, via)
     VALUES ('C', 'a', 7, 7, '');`,
  ],
  ['claim', `id = 'k'`, `INSERT OR REPLACE INTO claim SELECT * FROM claim WHERE id = 'k';`],
  ['seal', 'to_seq = 1', `INSERT OR REPLACE INTO seal VALUES (1, 1, 'h2', 's', 1);`],
  [
    'rail_event',
    `rail = 'x'`,
    `INSERT OR REPLACE INTO rail_event
     VALUES ('x', 'e', 'deposit', 'avl:A', 6, 'pending');`,
  ],
  ['idem', `did = 'A'`, `INSERT OR REPLACE INTO idem VALUES ('A', 'r', 'k', 'h2', 200, '{}', 0);`],
].flatMap(([table = '', row = '', replace = '']) => {
  const before = `${lane(0, 5)} ${claim('k', 1, 40)}
    INSERT INTO seal VALUES (1, 1, 'h', 's', 1);
    INSERT INTO rail_event VALUES ('x', 'e', 'deposit', 'avl:A', 5, 'pending');
    INSERT INTO idem SELECT 'A', 'r', 'k', 'h', 200, '{}', now_ms FROM clock;`;
  return [
    { name: `a deleted ${table}`, before, attack: `DELETE FROM ${table} WHERE ${row};` },
    { name: `a replaced ${table}`, before, attack: replace },
  ];
});

const RECORDS: Attack[] = [
  {
    name: 'a seal over transfers that do not exist',
    attack: `INSERT INTO seal VALUES (99, 1, 'h', 's', 1);`,
  },
  {
    name: 'a gap between seals',
    before: `INSERT INTO seal VALUES (1, 1, 'h', 's', 1);`,
    attack: `INSERT INTO seal VALUES (3, 3, 'i', 's', 1);`,
  },
  {
    name: 'an edited seal',
    before: `INSERT INTO seal VALUES (1, 1, 'h', 's', 1);`,
    attack: `UPDATE seal SET head = 'x';`,
  },
  {
    name: 'a rail event that ends twice',
    before: `INSERT INTO rail_event VALUES ('x', 'e', 'deposit', 'avl:A', 5, 'pending');
      UPDATE rail_event SET state = 'done';`,
    attack: `UPDATE rail_event SET state = 'failed';`,
  },
  {
    name: 'a rail event of another amount',
    before: `INSERT INTO rail_event VALUES ('x', 'e', 'deposit', 'avl:A', 5, 'pending');`,
    attack: `UPDATE rail_event SET state = 'done', amount = 6;`,
  },
  {
    name: 'a rail event that is done at once',
    attack: `INSERT INTO rail_event VALUES ('x', 'e', 'deposit', 'avl:A', 5, 'done');`,
  },
  {
    name: 'an answer rewritten under an idempotency key',
    before: `INSERT INTO idem SELECT 'A', 'r', 'k', 'h', 200, '{}', now_ms FROM clock;`,
    attack: `UPDATE idem SET response = '[]';`,
  },
  {
    name: 'a second answer under an idempotency key',
    before: `INSERT INTO idem SELECT 'A', 'r', 'k', 'h', 200, '{}', now_ms FROM clock;`,
    attack: `INSERT INTO idem SELECT 'A', 'r', 'k', 'g', 200, '{}', now_ms FROM clock;`,
  },
];

/** One row of each record that is written once. */
const WRITTEN = `${lane(0, 50)} ${claim('k', 1, 20, 'disputed')}
  INSERT INTO genesis VALUES (1, 'n', 'l', 'a', 'local', 1);
  INSERT INTO instruction SELECT 'i', 't', 'C', '{}', now_ms FROM clock;
  INSERT INTO objection SELECT 'r', 'A', 'output-differs', '{}', now_ms FROM clock;
  INSERT INTO verdict SELECT 'k', 'J', 'v', 'posted', 20, '{}', now_ms FROM clock;
  INSERT INTO receipt SELECT 'r1', 't1', 'B', 'A', 'C', 'a', 0, 50, 20, 'redeem', '{}', now_ms
    FROM clock;
  INSERT INTO failure SELECT 't2', 'B', 'A', 60, 20, '{}', now_ms FROM clock;`;

const ONCE: Attack[] = [
  ['genesis', `network = 'm'`],
  ['instruction', `ref = 'D'`],
  ['objection', `reason = 'price-wrong'`],
  ['verdict', 'price = 0'],
  ['receipt', 'price = 60'],
  ['failure', 'cost = 0'],
].flatMap(([table = '', edit = '']) => [
  { name: `an edited ${table}`, before: WRITTEN, attack: `UPDATE ${table} SET ${edit};` },
  { name: `a deleted ${table}`, before: WRITTEN, attack: `DELETE FROM ${table};` },
  {
    name: `a second ${table}`,
    before: WRITTEN,
    attack: `INSERT OR REPLACE INTO ${table} SELECT * FROM ${table};`,
  },
]);

const held = (cum: number, lane = 3) =>
  `INSERT INTO mailbox VALUES ('C', 'a', ${lane}, ${cum}, '', ${SIG}, 1);`;
const MAILBOX: Attack[] = [
  { name: 'a voucher above the fund in the mailbox', attack: held(101) },
  {
    name: 'a voucher above the fund over another',
    before: held(100),
    attack: `UPDATE mailbox SET cum = 101;`,
  },
  { name: 'a held voucher lowered', before: held(50), attack: 'UPDATE mailbox SET cum = 49;' },
  {
    name: 'a held voucher on another lane',
    before: held(50),
    attack: 'UPDATE mailbox SET lane = 4, cum = 51;',
  },
  { name: 'a held voucher thrown away', before: held(50), attack: 'DELETE FROM mailbox;' },
  { name: 'a voucher for a closed channel', before: coop(0, 0), attack: held(5) },
  { name: 'a voucher at close_at', before: close1, at: 61_000, attack: held(5) },
];

const OUTBOX: Attack[] = [
  {
    name: 'an outbox that starts again',
    before: `INSERT INTO outbox_head VALUES ('B', 5, 2);`,
    attack: 'UPDATE outbox_head SET seq = 4;',
  },
  {
    name: 'an acknowledgement of what was never sent',
    before: `INSERT INTO outbox_head VALUES ('B', 5, 2);`,
    attack: 'UPDATE outbox_head SET acked = 6;',
  },
];

export const RECORD_ATTACKS: readonly Attack[] = [
  ...RECORDS,
  ...EXISTING,
  ...ONCE,
  ...MAILBOX,
  ...OUTBOX,
];
