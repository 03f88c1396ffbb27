-- One key, one role: what an executor is paid and what an arbiter decides never meet in one node.
-- '' until the first start.
ALTER TABLE node ADD COLUMN role TEXT NOT NULL DEFAULT '' CHECK (role IN ('', 'executor', 'arbiter'));
UPDATE node SET role = 'executor'
WHERE EXISTS (SELECT 1 FROM channel) OR EXISTS (SELECT 1 FROM card);

-- Disputed claims that an arbiter was asked about or found.
CREATE TABLE dispute (
  claim TEXT PRIMARY KEY,
  -- due: to be judged. undecided: it cannot be said from here (why), tried again. signed: judged.
  -- declined: this arbiter is a party. over: the claim ended without a word of this arbiter.
  state TEXT NOT NULL CHECK (state IN ('due', 'undecided', 'signed', 'declined', 'over')),
  why TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '',
  -- The claim's state on the ledger, as last read.
  outcome TEXT NOT NULL DEFAULT 'disputed' CHECK (outcome IN ('disputed', 'posted', 'voided')),
  ch TEXT,
  task TEXT,
  -- The signed dispute.verdict.
  verdict TEXT,
  tries INTEGER NOT NULL DEFAULT 0,
  -- When it is looked at next; NULL when nothing is left to do.
  next_at INTEGER,
  at INTEGER NOT NULL,
  decided_at INTEGER,
  CHECK ((state = 'signed') = (verdict IS NOT NULL))
) STRICT;
CREATE INDEX dispute_next ON dispute (next_at) WHERE next_at IS NOT NULL;
CREATE TRIGGER verdict_signed_once BEFORE UPDATE OF verdict, state ON dispute
  WHEN OLD.verdict IS NOT NULL AND (NEW.verdict IS NOT OLD.verdict OR NEW.state <> 'signed')
  BEGIN SELECT RAISE(ABORT, 'a verdict is signed once'); END;
CREATE TRIGGER dispute_kept BEFORE DELETE ON dispute
  BEGIN SELECT RAISE(ABORT, 'a dispute is kept'); END;
