/** The same double-entry settlement on PostgreSQL 15, one set-based statement and flush a batch. */
import { withPostgres } from './postgres.ts';

const CHANNELS = 20;
const LANES = 250;

const SCHEMA = `
CREATE TABLE account(id text PRIMARY KEY, debits bigint NOT NULL CHECK (debits >= 0),
  credits bigint NOT NULL, CHECK (credits >= debits));
CREATE TABLE transfer(seq bigserial PRIMARY KEY, id text NOT NULL UNIQUE,
  debit text NOT NULL REFERENCES account(id), credit text NOT NULL REFERENCES account(id),
  amount bigint NOT NULL CHECK (amount > 0), code text NOT NULL, ref text, ts bigint NOT NULL);
CREATE TABLE lane(ch text, dir text, lane int, cum bigint NOT NULL, via text, memo text, sig text,
  PRIMARY KEY (ch, dir, lane));
INSERT INTO account SELECT 'esc:' || c || ':a', 0, 1000000000 FROM generate_series(1, ${CHANNELS}) c;
INSERT INTO account VALUES ('avl:payee', 0, 0);
INSERT INTO lane SELECT c, 'a', l, 0, '', '', ''
  FROM generate_series(1, ${CHANNELS}) c, generate_series(1, ${LANES}) l;
CREATE FUNCTION settle(given json) RETURNS bigint LANGUAGE sql AS $$
  WITH v AS (SELECT * FROM json_to_recordset(given)
    AS x(ch text, lane int, cum bigint, via text, sig text)),
  raised AS (UPDATE lane SET cum = v.cum, via = v.via, sig = v.sig FROM v
    WHERE lane.ch = v.ch AND lane.dir = 'a' AND lane.lane = v.lane AND lane.cum = v.cum - 1
    RETURNING lane.ch, lane.lane, lane.cum, v.via),
  moved AS (INSERT INTO transfer(id, debit, credit, amount, code, ref, ts)
    SELECT 'redeem:' || ch || ':a:' || lane || ':' || cum, 'esc:' || ch || ':a', 'avl:payee', 1,
      'redeem', via, extract(epoch FROM clock_timestamp())::bigint * 1000 FROM raised
    RETURNING debit, credit, amount),
  paid AS (UPDATE account SET debits = debits + s.sum
    FROM (SELECT debit, sum(amount) AS sum FROM moved GROUP BY debit) s WHERE id = s.debit),
  got AS (UPDATE account SET credits = credits + s.sum
    FROM (SELECT credit, sum(amount) AS sum FROM moved GROUP BY credit) s WHERE id = s.credit)
  SELECT count(*) FROM raised $$;`;

/** Settlements a second; null where PostgreSQL 15 is not installed. */
export async function postgresSettlements(size: number, rounds: number): Promise<number | null> {
  const printed = await withPostgres(scriptOf(size, rounds), 'synchronous_commit=on');
  return printed === null ? null : Number(printed);
}

function scriptOf(size: number, rounds: number): string {
  const all = CHANNELS * LANES;
  const batches = Array.from({ length: rounds }, (_, round) => {
    const rows = Array.from({ length: size }, (_unused, at) => {
      const n = round * size + at;
      const lane = n % all;
      return {
        ch: String(1 + Math.floor(lane / LANES)),
        lane: 1 + (lane % LANES),
        cum: 1 + Math.floor(n / all),
        via: 'B'.repeat(43),
        sig: 'A'.repeat(86),
      };
    });
    return `SELECT settle('${JSON.stringify(rows)}');`;
  });
  return `${SCHEMA}
SELECT clock_timestamp() AS start \\gset
${batches.join('\n')}
SELECT ${size * rounds} / extract(epoch FROM clock_timestamp() - :'start'::timestamptz);
`;
}
