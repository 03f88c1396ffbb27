-- What a score reads: only receipts that money counted and deadlines that passed (trust.md 1.4).
-- Counted once: receipt is the key and task is unique, by redemption or by claim.
CREATE TABLE receipt(
  id TEXT PRIMARY KEY,
  task TEXT NOT NULL UNIQUE,
  executor TEXT NOT NULL,
  creator TEXT NOT NULL,
  ch TEXT NOT NULL REFERENCES channel(id),
  dir TEXT NOT NULL CHECK (dir IN ('a', 'b')),
  lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 255),
  price INTEGER NOT NULL CHECK (price BETWEEN 0 AND 9007199254740991),
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
  counted TEXT NOT NULL CHECK (counted IN ('redeem', 'claim')),
  envelope TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER receipt_new BEFORE INSERT ON receipt
WHEN NEW.at <> (SELECT now_ms FROM clock)
  OR EXISTS (SELECT 1 FROM receipt WHERE id = NEW.id OR task = NEW.task)
  OR NOT EXISTS (SELECT 1 FROM channel c WHERE c.id = NEW.ch
    AND NEW.creator = CASE NEW.dir WHEN 'a' THEN c.a ELSE c.b END
    AND NEW.executor = CASE NEW.dir WHEN 'a' THEN c.b ELSE c.a END)
  OR (NEW.counted = 'claim' AND NOT EXISTS (
    SELECT 1 FROM claim WHERE receipt = NEW.id AND state = 'posted' AND price = NEW.price))
  OR (NEW.counted = 'redeem' AND NOT EXISTS (
    SELECT 1 FROM lane WHERE ch = NEW.ch AND dir = NEW.dir AND lane = NEW.lane AND cum > 0))
BEGIN SELECT RAISE(ABORT, 'a receipt counts once, when it is paid'); END;
CREATE TRIGGER receipt_fixed BEFORE UPDATE ON receipt
BEGIN SELECT RAISE(ABORT, 'a receipt is immutable'); END;
CREATE TRIGGER receipt_keep BEFORE DELETE ON receipt
BEGIN SELECT RAISE(ABORT, 'a receipt is immutable'); END;

-- An accepted task that passed its deadline. cost: what its cond reserved.
CREATE TABLE failure(
  task TEXT PRIMARY KEY,
  executor TEXT NOT NULL,
  creator TEXT NOT NULL,
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
  cost INTEGER NOT NULL CHECK (cost BETWEEN 0 AND 9007199254740991),
  accept TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER failure_new BEFORE INSERT ON failure
WHEN NEW.at <> (SELECT now_ms FROM clock) OR EXISTS (SELECT 1 FROM failure WHERE task = NEW.task)
  OR EXISTS (SELECT 1 FROM receipt WHERE task = NEW.task)
BEGIN SELECT RAISE(ABORT, 'a task fails once, unpaid'); END;
CREATE TRIGGER failure_fixed BEFORE UPDATE ON failure
BEGIN SELECT RAISE(ABORT, 'a failure is immutable'); END;
CREATE TRIGGER failure_keep BEFORE DELETE ON failure
BEGIN SELECT RAISE(ABORT, 'a failure is immutable'); END;

-- One row per subject, epoch (24 h) and counterparty, summed by the two triggers below.
CREATE TABLE evidence(
  subject TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  counterparty TEXT NOT NULL,
  n_ok INTEGER NOT NULL DEFAULT 0,
  n_fail INTEGER NOT NULL DEFAULT 0,
  duration_ms INTEGER NOT NULL DEFAULT 0,
  cost INTEGER NOT NULL DEFAULT 0,
  volume INTEGER NOT NULL DEFAULT 0,
  verified_ok INTEGER NOT NULL DEFAULT 0,
  verified_fraud INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (subject, epoch, counterparty)
) STRICT, WITHOUT ROWID;
-- The same summed over counterparties: what a score is computed from, one row a day.
CREATE TABLE score(
  subject TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  n_ok INTEGER NOT NULL DEFAULT 0,
  n_fail INTEGER NOT NULL DEFAULT 0,
  duration_ms INTEGER NOT NULL DEFAULT 0,
  cost INTEGER NOT NULL DEFAULT 0,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (subject, epoch)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER receipt_evidence AFTER INSERT ON receipt BEGIN
  INSERT INTO evidence(subject, epoch, counterparty, n_ok, duration_ms, cost, volume)
    VALUES (NEW.executor, NEW.at / 86400000, NEW.creator, 1, NEW.duration_ms, NEW.price, NEW.price)
    ON CONFLICT DO UPDATE SET n_ok = n_ok + 1, duration_ms = duration_ms + excluded.duration_ms,
      cost = cost + excluded.cost, volume = volume + excluded.volume;
  INSERT INTO score(subject, epoch, n_ok, duration_ms, cost, first_at, last_at)
    VALUES (NEW.executor, NEW.at / 86400000, 1, NEW.duration_ms, NEW.price, NEW.at, NEW.at)
    ON CONFLICT DO UPDATE SET n_ok = n_ok + 1, duration_ms = duration_ms + excluded.duration_ms,
      cost = cost + excluded.cost, last_at = excluded.last_at;
END;
CREATE TRIGGER failure_evidence AFTER INSERT ON failure BEGIN
  INSERT INTO evidence(subject, epoch, counterparty, n_fail, cost)
    VALUES (NEW.executor, NEW.at / 86400000, NEW.creator, 1, NEW.cost)
    ON CONFLICT DO UPDATE SET n_fail = n_fail + 1, cost = cost + excluded.cost;
  INSERT INTO score(subject, epoch, n_fail, cost, first_at, last_at)
    VALUES (NEW.executor, NEW.at / 86400000, 1, NEW.cost, NEW.at, NEW.at)
    ON CONFLICT DO UPDATE SET n_fail = n_fail + 1, cost = cost + excluded.cost,
      last_at = excluded.last_at;
END;
