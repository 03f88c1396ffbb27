/**
 * Attacks in SQL on the ledger's schema (money.md 5). Each starts from FIXTURE: parties A and B
 * with 2000 each, an active channel C with 100 from A and 10 from B, and a stranger M.
 */
import {
  type Attack,
  activate,
  claim,
  close1,
  coop,
  finalize,
  lane,
  open,
  SIG,
  transfer,
} from './attack-sql.ts';
import { RECORD_ATTACKS } from './record-attacks.ts';
import { WITHDRAWAL_ATTACKS } from './withdrawal-attacks.ts';

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
    attack: `INSERT INTO lane(ch, dir, lane, cum, via) VALUES ('C', 'a', 0, 5, '');`,
  },
  { name: 'a lane lowered', before: lane(0, 50), attack: `UPDATE lane SET cum = 40;` },
  {
    name: 'a lane that pays more than was signed',
    before: `${lane(0, 5)} UPDATE lane SET cum = 6, sig = ${SIG}, signed = 9;`,
    attack: `UPDATE lane SET cum = 10;`,
  },
  {
    name: 'a memo above what was paid',
    before: lane(0, 5),
    attack: `UPDATE lane SET cum = 6, memo_cum = 7;`,
  },
  {
    name: 'a lane of no channel',
    attack: `INSERT INTO lane(ch, dir, lane, cum, via) VALUES ('N', 'a', 0, 0, '');`,
  },
  {
    name: 'a lane that takes the place of another',
    before: lane(0, 50),
    attack: `UPDATE lane SET lane = 9, cum = 60;`,
  },
  {
    name: 'lane 256',
    attack: `INSERT INTO lane(ch, dir, lane, cum, via) VALUES ('C', 'a', 256, 0, '');`,
  },
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

const TERMS: Attack[] = [
  ...['cap = 61', 'base = 1', `receipt = 'Rx'`, `task = 'Tx'`, 'lane = 2', 'post_at = 1'].map(
    (edit) => ({
      name: `a claim edited: ${edit}`,
      before: claim('k', 1, 20, 'disputed'),
      attack: `UPDATE claim SET state = 'posted', verdict = 'v', ${edit};`,
    }),
  ),
  ...[`owner = 'M'`, `kind = 'rail'`, `id = 'avl:N', owner = 'N'`].map((edit) => ({
    name: `an account edited: ${edit}`,
    attack: `UPDATE account SET ${edit} WHERE id = 'avl:A';`,
  })),
  ...[`a = 'AA'`, `b = 'M'`, `id = 'D'`, 'expires_at = 900001', 'claim_ms = 60001'].map((edit) => ({
    name: `a channel edited: ${edit}`,
    attack: `UPDATE channel SET ${edit}, version = version + 1;`,
  })),
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

export const ATTACKS: readonly Attack[] = [
  ...ESCROW,
  ...AMOUNTS,
  ...LANES,
  ...CHANNELS,
  ...TERMS,
  ...CLAIMS,
  ...RECORD_ATTACKS,
  ...WITHDRAWAL_ATTACKS,
];
