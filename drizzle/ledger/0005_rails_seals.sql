-- Rails (faucet, operator): the row is pending before the rail is called and ends once.
CREATE TABLE rail_event(
  rail TEXT NOT NULL,
  ext_ref TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('deposit', 'withdraw')),
  account TEXT NOT NULL REFERENCES account(id),
  amount INTEGER NOT NULL CHECK (amount > 0),
  state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'failed')),
  PRIMARY KEY (rail, ext_ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX rail_pending ON rail_event(rail, ext_ref) WHERE state = 'pending';
CREATE TRIGGER rail_new BEFORE INSERT ON rail_event
WHEN NEW.state <> 'pending'
  OR EXISTS (SELECT 1 FROM rail_event WHERE rail = NEW.rail AND ext_ref = NEW.ext_ref)
BEGIN SELECT RAISE(ABORT, 'a rail event is new and pending'); END;
CREATE TRIGGER rail_fsm BEFORE UPDATE ON rail_event
WHEN NOT (OLD.state = 'pending' AND NEW.state IN ('done', 'failed') AND NEW.rail = OLD.rail
  AND NEW.ext_ref = OLD.ext_ref AND NEW.kind = OLD.kind AND NEW.account = OLD.account
  AND NEW.amount = OLD.amount)
BEGIN SELECT RAISE(ABORT, 'a rail event ends once'); END;
CREATE TRIGGER rail_keep BEFORE DELETE ON rail_event
BEGIN SELECT RAISE(ABORT, 'a rail event stays'); END;

-- Seals: the hash chain over the journal, signed by the ledger's key.
CREATE TABLE seal(
  to_seq INTEGER PRIMARY KEY,
  from_seq INTEGER NOT NULL UNIQUE,
  head TEXT NOT NULL UNIQUE,
  sig TEXT NOT NULL,
  at INTEGER NOT NULL,
  CHECK (from_seq <= to_seq)
) STRICT;
CREATE TRIGGER seal_new BEFORE INSERT ON seal
WHEN NEW.from_seq <> COALESCE((SELECT MAX(to_seq) FROM seal), 0) + 1
  OR NEW.to_seq > (SELECT MAX(seq) FROM transfer)
  OR EXISTS (SELECT 1 FROM seal WHERE to_seq = NEW.to_seq)
BEGIN SELECT RAISE(ABORT, 'seals join end to end'); END;
CREATE TRIGGER seal_fixed BEFORE UPDATE ON seal
BEGIN SELECT RAISE(ABORT, 'a seal is immutable'); END;
CREATE TRIGGER seal_keep BEFORE DELETE ON seal
BEGIN SELECT RAISE(ABORT, 'a seal is immutable'); END;

-- Stored answers under an Idempotency-Key: in the same batch as the effect.
CREATE TABLE idem(
  did TEXT NOT NULL,
  route TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  status INTEGER NOT NULL,
  response TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (did, route, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idem_at ON idem(at);
CREATE TRIGGER idem_new BEFORE INSERT ON idem
WHEN EXISTS (SELECT 1 FROM idem WHERE did = NEW.did AND route = NEW.route AND key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'idempotency key used'); END;
CREATE TRIGGER idem_fixed BEFORE UPDATE ON idem
BEGIN SELECT RAISE(ABORT, 'an answer is immutable'); END;
-- Kept for a day (IDEMPOTENCY_MS).
CREATE TRIGGER idem_keep BEFORE DELETE ON idem
WHEN OLD.at > (SELECT now_ms FROM clock) - 86400000
BEGIN SELECT RAISE(ABORT, 'an answer is kept for a day'); END;
