/**
 * Attacks in SQL on the ledger's schema (money.md 5). Each starts from FIXTURE: parties A and B
 * with 2000 each, an active channel C with 100 from A and 10 from B, and a stranger M.
 */
export type Attack = { name: string; before?: string; attack: string; at?: number };

const SIG = 'hex(zeroblob(43))';

const transfer = (id: string, debit: string, credit: string, amount: number | string, code = 't') =>
  `INSERT INTO transfer(id, debit, credit, amount, code, ts)
   SELECT '${id}', '${debit}', '${credit}', ${amount}, '${code}', now_ms FROM clock;`;

const open = (id: string, extra = '', values = '') =>
  `INSERT INTO account(id, owner, kind) VALUES ('esc:${id}:a', 'A', 'escrow'),
     ('esc:${id}:b', 'B', 'escrow');
   ${transfer(`hold:${id}:a`, 'avl:A', `esc:${id}:a`, 100, 'hold')}
   INSERT INTO channel(id, a, b, fund_a, fund_b, state, open_by, expires_at, window_ms, claim_ms,
     open_body, sig_a${extra})
   VALUES ('${id}', 'A', 'B', 100, 10, 'opening', 5000, 900000, 60000, 60000, '{}', ${SIG}${values});`;

const activate = (id: string) =>
  `${transfer(`hold:${id}:b`, 'avl:B', `esc:${id}:b`, 10, 'hold')}
   UPDATE channel SET state = 'active', sig_b = ${SIG}, version = version + 1 WHERE id = '${id}';`;

const lane = (lane: number, cum: number) =>
  `INSERT INTO lane(ch, dir, lane, cum, via) VALUES ('C', 'a', ${lane}, 0, '');
   UPDATE lane SET cum = ${cum}, via = 'v${lane}-${cum}' WHERE ch = 'C' AND lane = ${lane};`;

const claim = (id: string, lane: number, price: number, state = 'pending', more = '') =>
  `INSERT INTO claim(id, ch, dir, lane, base, cap, price, task, receipt, not_after, at, post_at,
     state) SELECT '${id}', 'C', 'a', ${lane}, 0, 60, ${price}, 'T${id}', 'R${id}', 800000, now_ms,
     now_ms + 60000, '${state}'${more} FROM clock;`;

const close1 = `UPDATE channel SET state = 'closing', close_at = (SELECT now_ms FROM clock) + 60000,
  version = version + 1 WHERE id = 'C';`;
const coop = (cumA: number, cumB: number, sigs = true) =>
  `UPDATE channel SET state = 'closed', coop_a = ${sigs ? SIG : 'NULL'}, coop_b = ${SIG},
   final_a = ${cumA}, final_b = ${cumB}, version = version + 1 WHERE id = 'C';`;
const finalize = `UPDATE channel SET state = 'closed', version = version + 1 WHERE id = 'C';`;

export const FIXTURE = `
  INSERT INTO account(id, owner, kind) VALUES ('ral:x', 'x', 'rail'), ('avl:A', 'A', 'available'),
    ('avl:B', 'B', 'available'), ('avl:M', 'M', 'available'), ('bnd:k', 'A', 'bond');
  ${transfer('d1', 'ral:x', 'avl:A', 2000)} ${transfer('d2', 'ral:x', 'avl:B', 2000)}
  ${open('C')} ${activate('C')}`;

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

const ESCROW: Attack[] = [
  { name: 'escrow paid to a stranger', attack: transfer('z', 'esc:C:a', 'avl:M', 100) },
  {
    name: 'escrow paid outside of a lane',
    attack: transfer('redeem:C:a:0:5', 'esc:C:a', 'avl:B', 5, 'redeem'),
  },
  {
    name: 'escrow paid as a refund while the channel is open',
    attack: transfer('refund:C:a', 'esc:C:a', 'avl:A', 100, 'refund'),
  },
  { name: 'a lane above its escrow', attack: lane(0, 101) },
  {
    name: 'money into a closing channel',
    before: close1,
    attack: transfer('l', 'avl:A', 'esc:C:a', 7),
  },
  {
    name: 'money into a closed channel',
    before: coop(0, 0),
    attack: transfer('l', 'avl:A', 'esc:C:a', 7),
  },
  { name: 'overspending an account', attack: transfer('o', 'avl:A', 'avl:B', 1901) },
  {
    name: 'a redemption that eats a live claim',
    before: claim('k', 1, 60),
    attack: lane(0, 41),
  },
  {
    name: 'a fund raised without money',
    attack: 'UPDATE channel SET fund_a = 103, version = version + 1;',
  },
];

const AMOUNTS: Attack[] = [
  { name: 'a float amount', attack: transfer('f', 'avl:A', 'avl:B', '1.5') },
  { name: 'a negative amount', attack: transfer('f', 'avl:A', 'avl:B', -1) },
  { name: 'an amount of nothing', attack: transfer('f', 'avl:A', 'avl:B', 0) },
  { name: 'an amount above 2^53 - 1', attack: transfer('f', 'ral:x', 'avl:B', '9007199254740992') },
  { name: 'a transfer to itself', attack: transfer('f', 'avl:A', 'avl:A', 1) },
  {
    name: 'a transfer to an account that is not there',
    attack: transfer('f', 'avl:A', 'avl:G', 1),
  },
  {
    name: 'a balance edited by hand',
    attack: `UPDATE account SET credits = 1 WHERE id = 'avl:M';`,
  },
  {
    name: 'a balance that replays an old transfer',
    attack: `UPDATE account SET credits = credits + 2000, last_seq = 1 WHERE id = 'avl:A';`,
  },
  {
    name: 'a balance opened above zero',
    attack: `INSERT INTO account(id, owner, kind, credits)
     VALUES ('avl:N', 'N', 'available', 5);`,
  },
  {
    name: 'a rail account under another prefix',
    attack: `INSERT INTO account(id, owner, kind)
     VALUES ('avl:Z', 'Z', 'rail');`,
  },
  {
    name: 'an escrow account of kind available',
    attack: `INSERT INTO account(id, owner, kind)
     VALUES ('esc:E:a', 'M', 'available');`,
  },
  {
    name: 'an available account of another owner',
    attack: `INSERT INTO account(id, owner, kind)
     VALUES ('avl:N', 'M', 'available');`,
  },
  { name: 'an edited transfer', attack: `UPDATE transfer SET amount = 1 WHERE id = 'd1';` },
  {
    name: 'a transfer with its own number',
    attack: `INSERT INTO transfer(seq, id, debit, credit,
     amount, code, ts) SELECT 99, 'n', 'avl:A', 'avl:B', 1, 't', now_ms FROM clock;`,
  },
  {
    name: 'a transfer with another time',
    attack: `INSERT INTO transfer(id, debit, credit, amount,
     code, ts) VALUES ('n', 'avl:A', 'avl:B', 1, 't', 999);`,
  },
  { name: 'a transfer twice', attack: transfer('d1', 'ral:x', 'avl:M', 5) },
];

const LANES: Attack[] = [
  {
    name: 'a lane inserted above zero',
    attack: `INSERT INTO lane VALUES ('C', 'a', 0, 5, '', '', '');`,
  },
  { name: 'a lane lowered', before: lane(0, 50), attack: `UPDATE lane SET cum = 40;` },
  { name: 'a lane of no channel', attack: `INSERT INTO lane VALUES ('N', 'a', 0, 0, '', '', '');` },
  {
    name: 'a lane that takes the place of another',
    before: lane(0, 50),
    attack: `UPDATE lane SET lane = 9, cum = 60;`,
  },
  { name: 'lane 256', attack: `INSERT INTO lane VALUES ('C', 'a', 256, 0, '', '', '');` },
  {
    name: 'redeeming on a closed channel',
    before: `${lane(0, 5)} ${coop(5, 0)}`,
    attack: `UPDATE lane SET cum = 6, via = 'v';`,
  },
  {
    name: 'redeeming at close_at',
    before: `${lane(0, 5)} ${close1}`,
    at: 61_000,
    attack: `UPDATE lane SET cum = 6, via = 'v';`,
  },
];

const CHANNELS: Attack[] = [
  {
    name: 'an activation without the second fund',
    before: open('D'),
    attack: `UPDATE channel SET state = 'active', sig_b = ${SIG}, version = version + 1 WHERE id = 'D';`,
  },
  {
    name: 'an activation with one signature',
    before: `${open('D')} ${transfer('hold:D:b', 'avl:B', 'esc:D:b', 10, 'hold')}`,
    attack: `UPDATE channel SET state = 'active', version = version + 1 WHERE id = 'D';`,
  },
  { name: 'an activation at open_by', before: open('D'), at: 5_000, attack: activate('D') },
  { name: 'a channel opened with both signatures', attack: open('D', ', sig_b', `, ${SIG}`) },
  {
    name: 'deleting a channel that nothing hangs on',
    attack: `DELETE FROM channel WHERE id = 'C';`,
  },
  { name: 'a channel opened twice', attack: open('C') },
  {
    name: 'a signature rewritten',
    attack: `UPDATE channel SET sig_a = hex(randomblob(43)), version = version + 1;`,
  },
  {
    name: 'a term rewritten',
    attack: 'UPDATE channel SET window_ms = 60001, version = version + 1;',
  },
  {
    name: 'the signed body rewritten',
    attack: `UPDATE channel SET open_body = '[]', version = version + 1;`,
  },
  {
    name: 'close_at moved',
    before: close1,
    attack: 'UPDATE channel SET close_at = close_at + 1, version = version + 1;',
  },
  { name: 'a close with one signature', attack: coop(0, 0, false) },
  { name: 'a close above the fund', attack: coop(101, 0) },
  { name: 'a close under what was redeemed', before: lane(0, 50), attack: coop(49, 0) },
  {
    name: 'a close paid otherwise than the signed figures',
    attack: `${coop(5, 0)} INSERT INTO guard SELECT 0
      WHERE (SELECT credits - debits FROM account WHERE id = 'avl:B') <> 2010;`,
  },
  { name: 'an early finalize', before: close1, at: 60_999, attack: finalize },
  { name: 'finalizing an active channel', attack: finalize },
  { name: 'closing with a live claim', before: claim('k', 1, 40), attack: coop(0, 0) },
  {
    name: 'finalizing with a live claim',
    before: `${claim('k', 1, 40, 'disputed')} ${close1}`,
    at: 900_000,
    attack: finalize,
  },
  {
    name: 'reopening a closed channel',
    before: coop(0, 0),
    attack: `UPDATE channel SET state = 'active', coop_a = NULL, coop_b = NULL, final_a = NULL,
      final_b = NULL, version = version + 1;`,
  },
];

const CLAIMS: Attack[] = [
  {
    name: 'the same task in two claims',
    before: claim('k', 1, 20),
    attack: claim('j', 2, 20).replace(`'Tj'`, `'Tk'`),
  },
  {
    name: 'the same receipt in two claims',
    before: claim('k', 1, 20),
    attack: claim('j', 2, 20).replace(`'Rj'`, `'Rk'`),
  },
  { name: 'two live claims on a lane', before: claim('k', 1, 20), attack: claim('j', 1, 20) },
  {
    name: 'claims above the escrow',
    before: claim('k', 1, 60),
    attack: claim('j', 2, 41),
  },
  { name: 'a claim inserted as posted', attack: claim('k', 1, 20, 'posted') },
  { name: 'a claim of another time', attack: claim('k', 1, 20).replace('now_ms,', '1, ') },
  { name: 'a claim that pays nothing', before: lane(1, 30), attack: claim('k', 1, 30) },
  { name: 'a claim after not_after', at: 800_001, attack: claim('k', 1, 20) },
  { name: 'a claim at close_at', before: close1, at: 61_000, attack: claim('k', 1, 20) },
  {
    name: 'a claim posted early',
    before: claim('k', 1, 20),
    at: 60_999,
    attack: `UPDATE claim SET state = 'posted';`,
  },
  {
    name: 'a claim posted twice',
    before: `${claim('k', 1, 20, 'disputed')} UPDATE claim SET state = 'posted', verdict = 'v';`,
    attack: `UPDATE claim SET state = 'posted', verdict = 'w';`,
  },
  {
    name: 'a disputed claim posted without a verdict',
    before: claim('k', 1, 20, 'disputed'),
    at: 61_000,
    attack: `UPDATE claim SET state = 'posted';`,
  },
  {
    name: 'a dispute after post_at',
    before: claim('k', 1, 20),
    at: 61_000,
    attack: `UPDATE claim SET state = 'disputed';`,
  },
  {
    name: 'a claim voided without a verdict',
    before: claim('k', 1, 20, 'disputed'),
    attack: `UPDATE claim SET state = 'voided';`,
  },
  {
    name: 'a price raised by a verdict',
    before: claim('k', 1, 20, 'disputed'),
    attack: `UPDATE claim SET state = 'posted', verdict = 'v', price = 21;`,
  },
];

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

export const ATTACKS: readonly Attack[] = [
  ...ONCE,
  ...OUTBOX,
  ...ESCROW,
  ...AMOUNTS,
  ...LANES,
  ...CHANNELS,
  ...CLAIMS,
  ...RECORDS,
  ...EXISTING,
];
