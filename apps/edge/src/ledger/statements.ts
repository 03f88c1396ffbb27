/** The statements that batches of the ledger are made of. Times are the database's own. */
import type { EdgeMessage, EdgeMessageType, LedgerTransfer } from '@zerostate/shared';
import type { IdempotencyClaim } from '../http/idempotency.ts';
import type { Statement } from '../ports.ts';

/** The batch is refused unless the statement before changed this many rows. */
export function expectChanges(count: number): Statement {
  return { sql: 'INSERT INTO guard SELECT 0 WHERE changes() <> ?1', args: [count] };
}

type AccountKind = 'available' | 'escrow' | 'bond' | 'rail' | 'hold';
export type NewAccount = readonly [id: string, owner: string, kind: AccountKind];

/** Opens the accounts that are not there yet. */
export function openAccounts(accounts: readonly NewAccount[]): Statement {
  return {
    sql: `INSERT INTO account(id, owner, kind)
          SELECT v.value->>0, v.value->>1, v.value->>2 FROM json_each(?1) v
          WHERE NOT EXISTS (SELECT 1 FROM account WHERE id = v.value->>0)`,
    args: [JSON.stringify(accounts)],
  };
}

export function transfer(moved: Omit<LedgerTransfer, 'code'> & { code: string }): Statement {
  return {
    sql: `INSERT INTO transfer(id, debit, credit, amount, code, ref, ts)
          SELECT ?1, ?2, ?3, ?4, ?5, ?6, now_ms FROM clock`,
    args: [moved.id, moved.debit, moved.credit, moved.amount, moved.code, moved.ref],
  };
}

/**
 * A message for the outbox of a DID, left out when 10 000 already wait there: a receiver that
 * never reads must not stop others from moving their money. The facts stand in the ledger anyway.
 */
export function notify<T extends EdgeMessageType>(
  did: string,
  type: T,
  body: EdgeMessage<T>,
): Statement[] {
  return [
    {
      sql: `INSERT INTO outbox_head(did, seq, acked) VALUES (?1, 1, 0)
            ON CONFLICT(did) DO UPDATE SET seq = seq + 1 WHERE seq - acked < 10000`,
      args: [did],
    },
    {
      sql: `INSERT INTO outbox(did, seq, type, body, at)
            SELECT did, seq, ?2, ?3, now_ms FROM outbox_head, clock
            WHERE did = ?1 AND changes() = 1`,
      args: [did, type, JSON.stringify(body)],
    },
  ];
}

/** Remembers a signed order by the id of its body: it is carried out once. */
export function carryOut(order: {
  id: string;
  type: string;
  ref: string;
  envelope: unknown;
}): Statement {
  return {
    sql: `INSERT INTO instruction(id, type, ref, envelope, at)
          SELECT ?1, ?2, ?3, ?4, now_ms FROM clock`,
    args: [order.id, order.type, order.ref, JSON.stringify(order.envelope)],
  };
}

/** Where the answer to an operation is read, in the batch that made it. */
export type AnswerView = 'channel_answer' | 'claim_answer' | 'account_answer' | 'withdrawal_answer';
const KEYS: { [view in AnswerView]: string } = {
  channel_answer: 'ch',
  claim_answer: 'id',
  account_answer: 'did',
  withdrawal_answer: 'id',
};

/**
 * The last statements of a batch: the answer, stored under the idempotency key if there is one,
 * and selected.
 */
export function answerFrom(
  view: AnswerView,
  key: string,
  idem: IdempotencyClaim | null,
  status: 200 | 201,
): Statement[] {
  const select = `SELECT json FROM ${view} WHERE ${KEYS[view]} = ?1`;
  const read: Statement = { sql: select, args: [key] };
  if (idem === null) return [read];
  const stored: Statement = {
    sql: `INSERT INTO idem(did, route, key, body_hash, status, response, at)
          SELECT ?2, ?3, ?4, ?5, ?6, (${select}), now_ms FROM clock`,
    args: [key, idem.did, idem.route, idem.key, idem.request, status],
  };
  return [stored, read];
}

/** Stores an answer that is known before the batch. */
export function storeAnswer(idem: IdempotencyClaim, status: 200 | 201, json: string): Statement {
  return {
    sql: `INSERT INTO idem(did, route, key, body_hash, status, response, at)
          SELECT ?1, ?2, ?3, ?4, ?5, ?6, now_ms FROM clock`,
    args: [idem.did, idem.route, idem.key, idem.request, status, json],
  };
}
