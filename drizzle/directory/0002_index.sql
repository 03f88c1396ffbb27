-- The search index as snapshots, and what was published before the newest record.

CREATE VIEW clock(now_ms) AS SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER);

-- Who builds now: one holder until the lease runs out.
CREATE TABLE lease(
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

---- snapshots: chunks first, then the row that makes them one. A row is never changed.
CREATE TABLE index_snapshot(
  id TEXT PRIMARY KEY CHECK(length(id) BETWEEN 1 AND 64),
  embedder TEXT NOT NULL,
  rev INTEGER NOT NULL CHECK(rev >= 0),
  cards INTEGER NOT NULL CHECK(cards >= 0),
  -- Chunks of each shard, as a JSON array.
  shards TEXT NOT NULL,
  built_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX index_snapshot_newest ON index_snapshot(embedder, rev, built_at);
CREATE TRIGGER index_snapshot_fixed BEFORE UPDATE ON index_snapshot
BEGIN SELECT RAISE(ABORT, 'a snapshot is immutable'); END;
CREATE TABLE index_chunk(
  snapshot TEXT NOT NULL,
  shard INTEGER NOT NULL CHECK(shard >= 0),
  i INTEGER NOT NULL CHECK(i >= 0),
  data BLOB NOT NULL CHECK(length(data) BETWEEN 1 AND 1048576),
  PRIMARY KEY(snapshot, shard, i)
) STRICT;
-- A snapshot whose chunks are not all there is refused.
CREATE TRIGGER index_snapshot_whole BEFORE INSERT ON index_snapshot
WHEN (SELECT COUNT(*) FROM index_chunk WHERE snapshot = NEW.id)
  <> (SELECT COALESCE(SUM(value), 0) FROM json_each(NEW.shards))
BEGIN SELECT RAISE(ABORT, 'chunks are missing'); END;

---- what publishers ranked last are, and what has expired
CREATE INDEX card_unfunded ON card(did) WHERE funded = 0;

---- every record that once was the newest of its agent, as far back as it is kept
CREATE TABLE card_history(
  did TEXT NOT NULL,
  agent TEXT NOT NULL,
  seq INTEGER NOT NULL,
  rev INTEGER NOT NULL,
  revoked INTEGER NOT NULL CHECK(revoked IN (0, 1)),
  record_id TEXT NOT NULL CHECK(length(record_id) = 43),
  record TEXT NOT NULL,
  published_at INTEGER NOT NULL,
  PRIMARY KEY(did, rev)
) STRICT, WITHOUT ROWID;
CREATE INDEX card_history_agent ON card_history(did, agent, rev);
CREATE INDEX card_history_at ON card_history(published_at);
CREATE TRIGGER card_history_fixed BEFORE UPDATE ON card_history
BEGIN SELECT RAISE(ABORT, 'history is immutable'); END;
-- The newest 64 of each agent: a card that is renewed twice a day goes back a month.
CREATE TRIGGER card_history_few AFTER INSERT ON card_history BEGIN
  DELETE FROM card_history WHERE did = NEW.did AND agent = NEW.agent AND rev <= (
    SELECT rev FROM card_history WHERE did = NEW.did AND agent = NEW.agent
    ORDER BY rev DESC LIMIT 1 OFFSET 64);
END;
INSERT INTO card_history(did, agent, seq, rev, revoked, record_id, record, published_at)
  SELECT did, agent, seq, rev, revoked, record_id, record, published_at FROM card;
CREATE TRIGGER card_kept_first AFTER INSERT ON card BEGIN
  INSERT INTO card_history(did, agent, seq, rev, revoked, record_id, record, published_at)
  VALUES(NEW.did, NEW.agent, NEW.seq, NEW.rev, NEW.revoked, NEW.record_id, NEW.record,
    NEW.published_at);
END;
CREATE TRIGGER card_kept_next AFTER UPDATE ON card BEGIN
  INSERT INTO card_history(did, agent, seq, rev, revoked, record_id, record, published_at)
  VALUES(NEW.did, NEW.agent, NEW.seq, NEW.rev, NEW.revoked, NEW.record_id, NEW.record,
    NEW.published_at);
END;
