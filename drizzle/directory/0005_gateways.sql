-- Gateway nodes: who carries messages over the mesh to executors whose own link is down.

-- Whether the newest hello named the feature: such a node carries for others, and is reached so.
ALTER TABLE presence ADD COLUMN mesh INTEGER NOT NULL DEFAULT 0 CHECK(mesh IN (0, 1));
CREATE INDEX presence_mesh ON presence(alive_until) WHERE mesh = 1;

-- One row for each gateway that was given a message of `target`'s outbox: two at a time.
CREATE TABLE mesh_forward(
  target TEXT NOT NULL,
  db TEXT NOT NULL CHECK(db IN ('ledger', 'directory')),
  seq INTEGER NOT NULL CHECK(seq > 0),
  slot INTEGER NOT NULL CHECK(slot IN (0, 1)),
  gateway TEXT NOT NULL CHECK(gateway <> target),
  -- The task or channel that an answer names; '' when none is expected.
  about TEXT NOT NULL,
  tries INTEGER NOT NULL CHECK(tries BETWEEN 1 AND 3),
  at INTEGER NOT NULL,
  -- NULL while an answer may come.
  outcome TEXT CHECK(outcome IN ('answered', 'late')),
  PRIMARY KEY(target, db, seq, slot),
  UNIQUE(target, db, seq, gateway)
) STRICT, WITHOUT ROWID;
CREATE INDEX mesh_forward_gateway ON mesh_forward(gateway, at);
CREATE INDEX mesh_forward_open ON mesh_forward(at) WHERE outcome IS NULL;
CREATE INDEX mesh_forward_at ON mesh_forward(at);

-- What was learned of each gateway.
CREATE TABLE mesh_gateway(
  did TEXT PRIMARY KEY,
  tasks INTEGER NOT NULL CHECK(tasks > 0),
  served INTEGER NOT NULL CHECK(served BETWEEN 0 AND tasks),
  service_ms REAL NOT NULL CHECK(service_ms >= 0),
  failure_rate REAL NOT NULL CHECK(failure_rate BETWEEN 0 AND 1),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mesh_gateway_at ON mesh_gateway(at);

-- The sweep forgets by age, oldest first.
CREATE INDEX outbox_at ON outbox(at, did, seq);
