/** The SQL that attacks on the ledger's schema are made of. */
export type Attack = { name: string; before?: string; attack: string; at?: number };

export const SIG = 'hex(zeroblob(43))';

export const transfer = (
  id: string,
  debit: string,
  credit: string,
  amount: number | string,
  code = 't',
) =>
  `INSERT INTO transfer(id, debit, credit, amount, code, ts)
   SELECT '${id}', '${debit}', '${credit}', ${amount}, '${code}', now_ms FROM clock;`;

export const open = (id: string, extra = '', values = '') =>
  `INSERT INTO account(id, owner, kind) VALUES ('esc:${id}:a', 'A', 'escrow'),
     ('esc:${id}:b', 'B', 'escrow');
   ${transfer(`hold:${id}:a`, 'avl:A', `esc:${id}:a`, 100, 'hold')}
   INSERT INTO channel(id, a, b, fund_a, fund_b, state, open_by, expires_at, window_ms, claim_ms,
     open_body, sig_a${extra})
   VALUES ('${id}', 'A', 'B', 100, 10, 'opening', 5000, 900000, 60000, 60000, '{}', ${SIG}${values});`;

export const activate = (id: string) =>
  `${transfer(`hold:${id}:b`, 'avl:B', `esc:${id}:b`, 10, 'hold')}
   UPDATE channel SET state = 'active', sig_b = ${SIG}, version = version + 1 WHERE id = '${id}';`;

export const lane = (lane: number, cum: number) =>
  `INSERT INTO lane(ch, dir, lane, cum, via) VALUES ('C', 'a', ${lane}, 0, '');
   UPDATE lane SET cum = ${cum}, via = 'v${lane}-${cum}' WHERE ch = 'C' AND lane = ${lane};`;

export const claim = (id: string, lane: number, price: number, state = 'pending', more = '') =>
  `INSERT INTO claim(id, ch, dir, lane, base, cap, price, task, receipt, not_after, at, post_at,
     state) SELECT '${id}', 'C', 'a', ${lane}, 0, 60, ${price}, 'T${id}', 'R${id}', 800000, now_ms,
     now_ms + 60000, '${state}'${more} FROM clock;`;

export const close1 = `UPDATE channel SET state = 'closing', close_at = (SELECT now_ms FROM clock) + 60000,
  version = version + 1 WHERE id = 'C';`;
export const coop = (cumA: number, cumB: number, sigs = true) =>
  `UPDATE channel SET state = 'closed', coop_a = ${sigs ? SIG : 'NULL'}, coop_b = ${SIG},
   final_a = ${cumA}, final_b = ${cumB}, version = version + 1 WHERE id = 'C';`;
export const finalize = `UPDATE channel SET state = 'closed', version = version + 1 WHERE id = 'C';`;

export const FIXTURE = `
  INSERT INTO account(id, owner, kind) VALUES ('ral:x', 'x', 'rail'), ('avl:A', 'A', 'available'),
    ('avl:B', 'B', 'available'), ('avl:M', 'M', 'available'), ('bnd:k', 'A', 'bond');
  ${transfer('d1', 'ral:x', 'avl:A', 2000)} ${transfer('d2', 'ral:x', 'avl:B', 2000)}
  ${open('C')} ${activate('C')}`;
