-- Money moves only by an immutable transfer; balances follow by trigger.
-- No statement takes a time from a worker: guards read the view clock, which tests replace by a table.
-- REPLACE need not fire delete triggers, so every table refuses an insert over an existing key.
-- BEFORE INSERT triggers run before conflict clauses: INSERT OR IGNORE aborts in them too.

CREATE VIEW clock(now_ms) AS SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER);

-- INSERT INTO guard SELECT 0 WHERE changes() <> 1 aborts the whole batch.
CREATE TABLE guard(ok INTEGER NOT NULL CHECK (ok = 1)) STRICT;

-- What makes this network: one row, written once.
CREATE TABLE genesis(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  network TEXT NOT NULL,
  ledger TEXT NOT NULL,
  asset TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('local', 'open')),
  created_at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER genesis_new BEFORE INSERT ON genesis WHEN EXISTS (SELECT 1 FROM genesis)
BEGIN SELECT RAISE(ABORT, 'a ledger has one genesis'); END;
CREATE TRIGGER genesis_fixed BEFORE UPDATE ON genesis
BEGIN SELECT RAISE(ABORT, 'the genesis is immutable'); END;
CREATE TRIGGER genesis_keep BEFORE DELETE ON genesis
BEGIN SELECT RAISE(ABORT, 'the genesis is immutable'); END;

-- id: avl:<did>, esc:<ch>:<dir>, bnd:<claim>, ral:<rail>, hld:<ref>, fee:<name>.
CREATE TABLE account(
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('available', 'escrow', 'bond', 'rail', 'hold', 'fee')),
  debits INTEGER NOT NULL DEFAULT 0 CHECK (debits BETWEEN 0 AND 4611686018427387903),
  credits INTEGER NOT NULL DEFAULT 0 CHECK (credits BETWEEN 0 AND 4611686018427387903),
  last_seq INTEGER NOT NULL DEFAULT 0,
  CHECK (substr(id, 1, 4) = CASE kind WHEN 'available' THEN 'avl:' WHEN 'escrow' THEN 'esc:'
    WHEN 'bond' THEN 'bnd:' WHEN 'rail' THEN 'ral:' WHEN 'hold' THEN 'hld:' ELSE 'fee:' END),
  CHECK (kind <> 'available' OR id = 'avl:' || owner),
  -- Only a rail, which stands for the outside world, may be overdrawn.
  CHECK (kind = 'rail' OR credits >= debits)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_escrow ON account(owner) WHERE kind = 'escrow';

CREATE TABLE transfer(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  debit TEXT NOT NULL REFERENCES account(id),
  credit TEXT NOT NULL REFERENCES account(id),
  amount INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 9007199254740991),
  code TEXT NOT NULL,
  ref TEXT,
  ts INTEGER NOT NULL,
  CHECK (debit <> credit)
) STRICT;

CREATE TRIGGER account_new BEFORE INSERT ON account
WHEN NEW.debits <> 0 OR NEW.credits <> 0 OR NEW.last_seq <> 0
  OR EXISTS (SELECT 1 FROM account WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'account opens once, at zero'); END;
CREATE TRIGGER account_keep BEFORE DELETE ON account
BEGIN SELECT RAISE(ABORT, 'account stays'); END;
CREATE TRIGGER account_guard BEFORE UPDATE ON account
WHEN NOT (NEW.id = OLD.id AND NEW.kind = OLD.kind AND NEW.owner = OLD.owner
  AND NEW.last_seq > OLD.last_seq AND EXISTS (
    SELECT 1 FROM transfer t WHERE t.seq = NEW.last_seq AND (
      (t.debit = NEW.id AND NEW.debits = OLD.debits + t.amount AND NEW.credits = OLD.credits)
      OR (t.credit = NEW.id AND NEW.credits = OLD.credits + t.amount AND NEW.debits = OLD.debits))))
BEGIN SELECT RAISE(ABORT, 'a balance moves only by a transfer'); END;

-- NEW.seq is -1 before the ledger numbers the row.
CREATE TRIGGER transfer_new BEFORE INSERT ON transfer
WHEN EXISTS (SELECT 1 FROM transfer WHERE id = NEW.id)
  OR (SELECT COUNT(*) FROM account WHERE id IN (NEW.debit, NEW.credit)) <> 2
  OR (NEW.seq IS NOT NULL AND NEW.seq <> -1)
  OR NEW.ts <> (SELECT now_ms FROM clock)
BEGIN SELECT RAISE(ABORT, 'a transfer is new, numbered by the ledger and timed by its clock'); END;
CREATE TRIGGER transfer_apply AFTER INSERT ON transfer BEGIN
  UPDATE account SET debits = debits + NEW.amount, last_seq = NEW.seq WHERE id = NEW.debit;
  UPDATE account SET credits = credits + NEW.amount, last_seq = NEW.seq WHERE id = NEW.credit;
END;
CREATE TRIGGER transfer_fixed BEFORE UPDATE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is immutable'); END;
CREATE TRIGGER transfer_keep BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is immutable'); END;
