-- How the node takes part in the mesh, as `start` was last told: JSON. NULL: never asked for.
ALTER TABLE node ADD COLUMN mesh TEXT;

-- Whether the edge knows of a task. Of one that came from its creator over the mesh it does not,
-- until the creator gives it there too.
ALTER TABLE task ADD COLUMN at_edge INTEGER NOT NULL DEFAULT 1 CHECK (at_edge IN (0, 1));

-- Who waits for a task's result over the mesh; gone when it was taken.
CREATE TABLE push (
  task TEXT NOT NULL REFERENCES task (task),
  did TEXT NOT NULL,
  -- creator: pays for it. gateway: takes it to the edge while the link is down.
  role TEXT NOT NULL CHECK (role IN ('creator', 'gateway')),
  at INTEGER NOT NULL,
  PRIMARY KEY (task, did)
) STRICT, WITHOUT ROWID;
