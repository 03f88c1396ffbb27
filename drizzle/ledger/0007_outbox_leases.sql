-- Messages for executors, inserted in the batch of the fact that caused them. seq rises per DID
-- and never restarts: outbox_head keeps it when acknowledged rows are gone.
CREATE TABLE outbox(
  did TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq >= 1),
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (did, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_at ON outbox(at);
-- acked: what the receiver has. A receiver that never reads stops its senders at 10 000.
CREATE TABLE outbox_head(
  did TEXT PRIMARY KEY,
  seq INTEGER NOT NULL CHECK (seq >= 0),
  acked INTEGER NOT NULL DEFAULT 0 CHECK (acked >= 0),
  CONSTRAINT outbox_full CHECK (seq - acked <= 10000)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER outbox_head_rise BEFORE UPDATE ON outbox_head
WHEN NEW.did <> OLD.did OR NEW.seq < OLD.seq OR NEW.acked < OLD.acked OR NEW.acked > NEW.seq
BEGIN SELECT RAISE(ABORT, 'an outbox only rises'); END;

-- Who sweeps now: one holder until the lease runs out.
CREATE TABLE lease(
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
