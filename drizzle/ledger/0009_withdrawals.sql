-- Withdrawals. Money that goes out is held in hld:<rail>:<ext_ref> from the moment its event is
-- pending, before its rail is called, until the event ends: paid to the rail or back to its owner.
-- ext_ref of a withdrawal's event is the id of the rail.withdraw body that its owner signed.
CREATE INDEX account_hold ON account(owner) WHERE kind = 'hold';

CREATE TRIGGER rail_withdraw_new BEFORE INSERT ON rail_event
WHEN NEW.kind = 'withdraw' AND substr(NEW.account, 1, 4) <> 'avl:'
BEGIN SELECT RAISE(ABORT, 'only free money is withdrawn'); END;
CREATE TRIGGER rail_hold AFTER INSERT ON rail_event WHEN NEW.kind = 'withdraw' BEGIN
  INSERT INTO account(id, owner, kind)
    SELECT 'hld:' || NEW.rail || ':' || NEW.ext_ref, owner, 'hold'
    FROM account WHERE id = NEW.account;
  INSERT INTO transfer(id, debit, credit, amount, code, ref, ts)
    SELECT 'withdraw-hold:' || NEW.rail || ':' || NEW.ext_ref, NEW.account,
      'hld:' || NEW.rail || ':' || NEW.ext_ref, NEW.amount, 'withdraw-hold', NEW.ext_ref, now_ms
    FROM clock;
END;
CREATE TRIGGER rail_pay AFTER UPDATE ON rail_event WHEN NEW.kind = 'withdraw' BEGIN
  INSERT INTO transfer(id, debit, credit, amount, code, ref, ts)
    SELECT c.code || ':' || NEW.rail || ':' || NEW.ext_ref, 'hld:' || NEW.rail || ':' || NEW.ext_ref,
      CASE NEW.state WHEN 'done' THEN 'ral:' || NEW.rail ELSE NEW.account END, NEW.amount, c.code,
      NEW.ext_ref, now_ms
    FROM clock, (SELECT CASE NEW.state WHEN 'done' THEN 'withdraw' ELSE 'withdraw-return' END
      AS code) c;
END;

-- Holds are filled and emptied by the two triggers above alone.
CREATE TRIGGER hold_in BEFORE INSERT ON transfer
WHEN substr(NEW.credit, 1, 4) = 'hld:' AND NOT (NEW.code = 'withdraw-hold' AND EXISTS (
  SELECT 1 FROM rail_event e WHERE e.rail = substr(NEW.credit, 5, instr(substr(NEW.credit, 5), ':') - 1)
    AND e.ext_ref = NEW.ref AND NEW.credit = 'hld:' || e.rail || ':' || e.ext_ref
    AND e.kind = 'withdraw' AND e.state = 'pending' AND e.account = NEW.debit
    AND e.amount = NEW.amount AND NEW.id = 'withdraw-hold:' || e.rail || ':' || e.ext_ref))
BEGIN SELECT RAISE(ABORT, 'a hold is filled by its withdrawal'); END;
CREATE TRIGGER hold_out BEFORE INSERT ON transfer
WHEN substr(NEW.debit, 1, 4) = 'hld:' AND NOT EXISTS (
  SELECT 1 FROM rail_event e WHERE e.rail = substr(NEW.debit, 5, instr(substr(NEW.debit, 5), ':') - 1)
    AND e.ext_ref = NEW.ref AND NEW.debit = 'hld:' || e.rail || ':' || e.ext_ref
    AND e.kind = 'withdraw' AND e.amount = NEW.amount
    AND ((e.state = 'done' AND NEW.code = 'withdraw' AND NEW.credit = 'ral:' || e.rail)
      OR (e.state = 'failed' AND NEW.code = 'withdraw-return' AND NEW.credit = e.account)))
BEGIN SELECT RAISE(ABORT, 'a hold ends with its withdrawal'); END;
CREATE TRIGGER rail_out BEFORE INSERT ON transfer
WHEN substr(NEW.credit, 1, 4) = 'ral:' AND substr(NEW.debit, 1, 4) <> 'hld:'
BEGIN SELECT RAISE(ABORT, 'money leaves by a withdrawal'); END;

-- What the owner asked for, in the order it was asked.
CREATE TABLE withdrawal(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  rail TEXT NOT NULL,
  owner TEXT NOT NULL,
  amount INTEGER NOT NULL,
  destination TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX withdrawal_owner ON withdrawal(owner, seq);
-- NEW.seq is -1 before the ledger numbers the row.
CREATE TRIGGER withdrawal_new BEFORE INSERT ON withdrawal
WHEN (NEW.seq IS NOT NULL AND NEW.seq <> -1) OR NEW.at <> (SELECT now_ms FROM clock)
  OR EXISTS (SELECT 1 FROM withdrawal WHERE id = NEW.id)
  OR NOT EXISTS (SELECT 1 FROM rail_event e WHERE e.rail = NEW.rail AND e.ext_ref = NEW.id
    AND e.kind = 'withdraw' AND e.state = 'pending' AND e.account = 'avl:' || NEW.owner
    AND e.amount = NEW.amount)
BEGIN SELECT RAISE(ABORT, 'a withdrawal is new, with its money held'); END;
CREATE TRIGGER withdrawal_fixed BEFORE UPDATE ON withdrawal
BEGIN SELECT RAISE(ABORT, 'a withdrawal is immutable'); END;
CREATE TRIGGER withdrawal_keep BEFORE DELETE ON withdrawal
BEGIN SELECT RAISE(ABORT, 'a withdrawal is immutable'); END;

-- What an operator signed about it. ext_ref is the payment outside: one payment ends one withdrawal.
CREATE TABLE settlement(
  withdrawal TEXT PRIMARY KEY REFERENCES withdrawal(id),
  rail TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed')),
  ext_ref TEXT,
  reason TEXT,
  operator TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (rail, ext_ref),
  CHECK ((outcome = 'done') = (ext_ref IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER settlement_new BEFORE INSERT ON settlement
WHEN NEW.at <> (SELECT now_ms FROM clock)
  OR EXISTS (SELECT 1 FROM settlement WHERE withdrawal = NEW.withdrawal
    OR (rail = NEW.rail AND ext_ref = NEW.ext_ref))
  OR NOT EXISTS (SELECT 1 FROM rail_event e WHERE e.rail = NEW.rail AND e.ext_ref = NEW.withdrawal
    AND e.kind = 'withdraw' AND e.state = NEW.outcome)
BEGIN SELECT RAISE(ABORT, 'a withdrawal is settled once, as its event ended'); END;
CREATE TRIGGER settlement_fixed BEFORE UPDATE ON settlement
BEGIN SELECT RAISE(ABORT, 'a settlement is immutable'); END;
CREATE TRIGGER settlement_keep BEFORE DELETE ON settlement
BEGIN SELECT RAISE(ABORT, 'a settlement is immutable'); END;

CREATE VIEW withdrawal_answer(id, seq, owner, state, json) AS
  SELECT w.id, w.seq, w.owner, e.state, json_object(
    'withdrawal', w.id, 'seq', w.seq, 'did', w.owner, 'rail', w.rail,
    'amount', CAST(w.amount AS TEXT), 'destination', w.destination, 'state', e.state,
    'reference', s.ext_ref, 'reason', s.reason, 'operator', s.operator, 'at', w.at,
    'settled_at', s.at)
  FROM withdrawal w
  JOIN rail_event e ON e.rail = w.rail AND e.ext_ref = w.id
  LEFT JOIN settlement s ON s.withdrawal = w.id;

DROP VIEW account_answer;
CREATE VIEW account_answer(did, json) AS
  SELECT a.owner, json_object(
    'did', a.owner,
    'available', CAST(a.credits - a.debits AS TEXT),
    'escrow', CAST((SELECT COALESCE(SUM(e.credits - e.debits), 0) FROM account e
      WHERE e.owner = a.owner AND e.kind = 'escrow') AS TEXT),
    'withdrawing', CAST((SELECT COALESCE(SUM(h.credits - h.debits), 0) FROM account h
      WHERE h.owner = a.owner AND h.kind = 'hold') AS TEXT))
  FROM account a WHERE a.kind = 'available';
