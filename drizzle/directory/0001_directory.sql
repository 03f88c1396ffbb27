-- The directory: everything the edge keeps that is not money. synchronous = NORMAL.
-- Times are milliseconds since 1970; JSON is kept as the text that was checked.

-- INSERT INTO guard SELECT 0 WHERE changes() <> 1; aborts a batch whose UPDATE found nothing.
CREATE TABLE guard(ok INTEGER NOT NULL CHECK(ok = 1)) STRICT;

---- cards: the newest record of each (did, agent), numbered by one growing revision
CREATE TABLE card_rev(
  only INTEGER PRIMARY KEY CHECK(only = 1),
  rev INTEGER NOT NULL CHECK(rev >= 0)
) STRICT;
INSERT INTO card_rev(only, rev) VALUES(1, 0);
CREATE TRIGGER card_rev_grows BEFORE UPDATE ON card_rev WHEN NEW.rev <= OLD.rev
BEGIN SELECT RAISE(ABORT, 'the revision grows'); END;
CREATE TRIGGER card_rev_stays BEFORE DELETE ON card_rev
BEGIN SELECT RAISE(ABORT, 'the revision stays'); END;

CREATE TABLE card(
  did TEXT NOT NULL,
  agent TEXT NOT NULL CHECK(length(agent) BETWEEN 1 AND 63),
  seq INTEGER NOT NULL CHECK(seq BETWEEN 0 AND 9007199254740991),
  rev INTEGER NOT NULL UNIQUE,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL CHECK(expires_at > issued_at),
  card_sha256 TEXT NOT NULL CHECK(length(card_sha256) = 43),
  revoked INTEGER NOT NULL CHECK(revoked IN (0, 1)),
  funded INTEGER NOT NULL CHECK(funded IN (0, 1)),
  record_id TEXT NOT NULL CHECK(length(record_id) = 43),
  record TEXT NOT NULL,
  card TEXT NOT NULL CHECK(length(card) <= 65536),
  published_at INTEGER NOT NULL,
  PRIMARY KEY(did, agent)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER card_newest BEFORE UPDATE ON card
WHEN NOT (NEW.did = OLD.did AND NEW.agent = OLD.agent AND NEW.seq > OLD.seq AND NEW.rev > OLD.rev)
BEGIN SELECT RAISE(ABORT, 'the highest seq wins'); END;
CREATE TRIGGER card_few BEFORE INSERT ON card
WHEN (SELECT COUNT(*) FROM card WHERE did = NEW.did) >= 256
  AND NOT EXISTS (SELECT 1 FROM card WHERE did = NEW.did AND agent = NEW.agent)
BEGIN SELECT RAISE(ABORT, 'card_limit'); END;

-- Modules that live cards name: readable by anyone.
CREATE TABLE card_module(
  module TEXT NOT NULL CHECK(length(module) = 43),
  did TEXT NOT NULL,
  agent TEXT NOT NULL,
  PRIMARY KEY(module, did, agent)
) STRICT, WITHOUT ROWID;
CREATE INDEX card_module_of ON card_module(did, agent);

-- Two records of one seq: kept for good, both signed.
CREATE TABLE card_equivocation(
  did TEXT NOT NULL,
  agent TEXT NOT NULL,
  seq INTEGER NOT NULL,
  record_id TEXT NOT NULL,
  record TEXT NOT NULL,
  other_id TEXT NOT NULL CHECK(other_id <> record_id),
  other TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(did, agent, seq, other_id)
) STRICT, WITHOUT ROWID;

---- links: who is connected, and what it says of itself
CREATE TABLE link(
  did TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL CHECK(epoch > 0),
  session TEXT NOT NULL,
  seen INTEGER NOT NULL CHECK(seen >= 0),
  opened_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER link_epoch BEFORE UPDATE ON link
WHEN NEW.epoch < OLD.epoch OR (NEW.session = OLD.session AND NEW.seen < OLD.seen)
BEGIN SELECT RAISE(ABORT, 'an epoch never falls'); END;

CREATE TABLE presence(
  did TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  alive_until INTEGER NOT NULL,
  queue INTEGER NOT NULL DEFAULT 0 CHECK(queue >= 0),
  running INTEGER NOT NULL DEFAULT 0 CHECK(running >= 0),
  capacity INTEGER NOT NULL DEFAULT 0 CHECK(capacity >= 0)
) STRICT, WITHOUT ROWID;

---- tasks
CREATE TABLE task(
  id TEXT PRIMARY KEY CHECK(length(id) = 43),
  creator TEXT NOT NULL,
  executor TEXT NOT NULL,
  ch TEXT NOT NULL CHECK(length(ch) = 43),
  lane INTEGER NOT NULL CHECK(lane BETWEEN 1 AND 255),
  module TEXT NOT NULL CHECK(length(module) = 43),
  input TEXT NOT NULL CHECK(length(input) = 43),
  output TEXT CHECK(length(output) = 43),
  state TEXT NOT NULL CHECK(state IN ('offered', 'accepted', 'rejected', 'done', 'failed')),
  manifest TEXT NOT NULL,
  cond_id TEXT NOT NULL CHECK(length(cond_id) = 43),
  cond TEXT NOT NULL,
  accept TEXT,
  receipt_id TEXT CHECK(length(receipt_id) = 43),
  receipt TEXT,
  objection TEXT,
  reject TEXT,
  submitted_at INTEGER NOT NULL,
  accepted_at INTEGER,
  deadline INTEGER CHECK(deadline <= not_after),
  done_at INTEGER,
  not_after INTEGER NOT NULL,
  CHECK((accept IS NULL) = (accepted_at IS NULL) AND (accept IS NULL) = (deadline IS NULL)),
  CHECK((receipt IS NULL) = (receipt_id IS NULL) AND (receipt IS NULL) = (output IS NULL)),
  CHECK((receipt IS NULL) = (done_at IS NULL)),
  CHECK(state NOT IN ('accepted', 'failed') OR accept IS NOT NULL),
  CHECK((state = 'done') <= (receipt IS NOT NULL)),
  CHECK((state = 'rejected') = (reject IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX task_receipt ON task(receipt_id) WHERE receipt_id IS NOT NULL;
CREATE INDEX task_input ON task(input, executor);
CREATE INDEX task_output ON task(output) WHERE output IS NOT NULL;
CREATE INDEX task_module ON task(module, executor);
CREATE INDEX task_deadline ON task(deadline) WHERE state = 'accepted';
CREATE INDEX task_over ON task(not_after);
CREATE TRIGGER task_fsm BEFORE UPDATE ON task
WHEN NOT (NEW.id = OLD.id AND NEW.manifest = OLD.manifest AND NEW.cond = OLD.cond
  AND NEW.creator = OLD.creator AND NEW.executor = OLD.executor
  AND NEW.submitted_at = OLD.submitted_at
  AND (OLD.accept IS NULL OR (NEW.accept = OLD.accept AND NEW.accepted_at = OLD.accepted_at))
  AND (OLD.receipt IS NULL OR (NEW.receipt = OLD.receipt AND NEW.done_at = OLD.done_at))
  AND (OLD.state = NEW.state OR CASE OLD.state
    WHEN 'offered' THEN NEW.state IN ('accepted', 'rejected')
    WHEN 'accepted' THEN NEW.state IN ('done', 'failed')
    ELSE 0 END))
BEGIN SELECT RAISE(ABORT, 'a task goes forward'); END;

-- Two receipts of one executor for one task: kept for good, both signed.
CREATE TABLE task_equivocation(
  task TEXT NOT NULL,
  executor TEXT NOT NULL,
  receipt_id TEXT NOT NULL,
  receipt TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(task, receipt_id)
) STRICT, WITHOUT ROWID;

---- blobs: bytes by their sha256, in rows small enough for any reply
CREATE TABLE blob(
  hash TEXT PRIMARY KEY CHECK(length(hash) = 43),
  bytes INTEGER NOT NULL CHECK(bytes BETWEEN 0 AND 8388608),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE blob_chunk(
  hash TEXT NOT NULL,
  i INTEGER NOT NULL CHECK(i BETWEEN 0 AND 31),
  data BLOB NOT NULL CHECK(length(data) BETWEEN 1 AND 262144),
  PRIMARY KEY(hash, i)
) STRICT;
-- Who put the bytes. A blob goes when its last owner's time is over.
CREATE TABLE blob_owner(
  hash TEXT NOT NULL REFERENCES blob(hash),
  did TEXT NOT NULL,
  bytes INTEGER NOT NULL CHECK(bytes >= 0),
  keep_until INTEGER NOT NULL,
  PRIMARY KEY(hash, did)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_owner_keep ON blob_owner(keep_until);
CREATE TABLE blob_usage(
  did TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL CONSTRAINT blob_quota CHECK(bytes BETWEEN 0 AND 268435456)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER blob_owner_in AFTER INSERT ON blob_owner BEGIN
  INSERT INTO blob_usage(did, bytes) VALUES(NEW.did, NEW.bytes)
  ON CONFLICT(did) DO UPDATE SET bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER blob_owner_out AFTER DELETE ON blob_owner BEGIN
  UPDATE blob_usage SET bytes = bytes - OLD.bytes WHERE did = OLD.did;
END;

CREATE TRIGGER blob_unowned AFTER DELETE ON blob_owner
WHEN NOT EXISTS (SELECT 1 FROM blob_owner WHERE hash = OLD.hash) BEGIN
  DELETE FROM blob_chunk WHERE hash = OLD.hash;
  DELETE FROM blob WHERE hash = OLD.hash;
END;

---- nonces of signed requests, remembered for 120 s
CREATE TABLE request_nonce(
  did TEXT NOT NULL,
  nonce TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(did, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_nonce_at ON request_nonce(at);

---- messages for executors; the ledger has the same two tables
CREATE TABLE outbox_head(
  did TEXT PRIMARY KEY,
  seq INTEGER NOT NULL CHECK(seq >= 0),
  acked INTEGER NOT NULL DEFAULT 0 CHECK(acked BETWEEN 0 AND seq),
  CONSTRAINT outbox_full CHECK(seq - acked <= 10000)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER outbox_head_grows BEFORE UPDATE ON outbox_head
WHEN NEW.seq < OLD.seq OR NEW.acked < OLD.acked
BEGIN SELECT RAISE(ABORT, 'an outbox never restarts'); END;
CREATE TRIGGER outbox_head_stays BEFORE DELETE ON outbox_head
BEGIN SELECT RAISE(ABORT, 'an outbox never restarts'); END;
CREATE TABLE outbox(
  did TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK(seq > 0),
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(did, seq)
) STRICT;
