-- Channels: opening -> active -> closing -> closed (money.md 4).

CREATE TABLE channel(
  -- The id of the paych.open body, whose canonical text open_body keeps.
  id TEXT PRIMARY KEY,
  a TEXT NOT NULL,
  b TEXT NOT NULL CHECK (a < b),
  fund_a INTEGER NOT NULL CHECK (fund_a BETWEEN 0 AND 9007199254740991),
  fund_b INTEGER NOT NULL CHECK (fund_b BETWEEN 0 AND 9007199254740991),
  state TEXT NOT NULL CHECK (state IN ('opening', 'active', 'closing', 'closed')),
  open_by INTEGER NOT NULL,
  expires_at INTEGER NOT NULL CHECK (expires_at > open_by),
  window_ms INTEGER NOT NULL CHECK (window_ms BETWEEN 60000 AND 1209600000),
  claim_ms INTEGER NOT NULL CHECK (claim_ms BETWEEN 60000 AND 1209600000),
  open_body TEXT NOT NULL,
  sig_a TEXT CHECK (length(sig_a) = 86),
  sig_b TEXT CHECK (length(sig_b) = 86),
  coop_a TEXT CHECK (length(coop_a) = 86),
  coop_b TEXT CHECK (length(coop_b) = 86),
  -- cum_a and cum_b of the paych.close that both signed.
  final_a INTEGER,
  final_b INTEGER,
  close_at INTEGER,
  version INTEGER NOT NULL DEFAULT 0,
  CHECK (state NOT IN ('active', 'closing') OR (sig_a IS NOT NULL AND sig_b IS NOT NULL)),
  CHECK ((coop_a IS NULL) = (coop_b IS NULL) AND (coop_a IS NULL) = (final_a IS NULL)
    AND (coop_a IS NULL) = (final_b IS NULL) AND (coop_a IS NULL OR state = 'closed')),
  CHECK ((state = 'closing') <= (close_at IS NOT NULL)),
  CHECK (state IN ('closing', 'closed') OR close_at IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_a ON channel(a, id);
CREATE INDEX channel_b ON channel(b, id);
CREATE INDEX channel_opening ON channel(open_by) WHERE state = 'opening';
CREATE INDEX channel_active ON channel(expires_at) WHERE state = 'active';
CREATE INDEX channel_closing ON channel(close_at) WHERE state = 'closing';

-- esc:<ch>:<dir> holds fund - redeemed at every step in which the channel is or becomes open.
CREATE VIEW escrow(ch, dir, held) AS
  SELECT c.id, d.dir, COALESCE(
    (SELECT credits - debits FROM account WHERE id = 'esc:' || c.id || ':' || d.dir), 0)
  FROM channel c, (SELECT 'a' dir UNION ALL SELECT 'b') d;

CREATE TRIGGER channel_new BEFORE INSERT ON channel
WHEN NEW.state <> 'opening' OR NEW.version <> 0
  OR NEW.coop_a IS NOT NULL OR NEW.coop_b IS NOT NULL
  OR (NEW.sig_a IS NULL) = (NEW.sig_b IS NULL)
  OR NEW.open_by <= (SELECT now_ms FROM clock)
  OR EXISTS (SELECT 1 FROM channel WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a channel opens once, with one signature'); END;
CREATE TRIGGER channel_keep BEFORE DELETE ON channel
BEGIN SELECT RAISE(ABORT, 'channel stays'); END;
CREATE TRIGGER channel_terms BEFORE UPDATE ON channel
WHEN NOT (NEW.id = OLD.id AND NEW.a = OLD.a AND NEW.b = OLD.b AND NEW.open_by = OLD.open_by
  AND NEW.expires_at = OLD.expires_at AND NEW.window_ms = OLD.window_ms
  AND NEW.claim_ms = OLD.claim_ms AND NEW.open_body = OLD.open_body
  AND NEW.version = OLD.version + 1
  AND (OLD.sig_a IS NULL OR NEW.sig_a = OLD.sig_a)
  AND (OLD.sig_b IS NULL OR NEW.sig_b = OLD.sig_b)
  AND (OLD.close_at IS NULL OR NEW.close_at = OLD.close_at)
  AND (OLD.state = 'active' OR (NEW.fund_a = OLD.fund_a AND NEW.fund_b = OLD.fund_b))
  AND NEW.fund_a >= OLD.fund_a AND NEW.fund_b >= OLD.fund_b)
BEGIN SELECT RAISE(ABORT, 'channel terms are fixed'); END;
CREATE TRIGGER channel_fsm BEFORE UPDATE ON channel
WHEN NOT CASE OLD.state || '>' || NEW.state
  WHEN 'opening>active' THEN (SELECT now_ms FROM clock) < OLD.open_by
    AND NEW.sig_a IS NOT NULL AND NEW.sig_b IS NOT NULL
    AND (SELECT held FROM escrow WHERE ch = OLD.id AND dir = 'a') = NEW.fund_a
    AND (SELECT held FROM escrow WHERE ch = OLD.id AND dir = 'b') = NEW.fund_b
  WHEN 'opening>closed' THEN NEW.coop_a IS NULL
  WHEN 'active>active' THEN
    NEW.fund_a = (SELECT held FROM escrow WHERE ch = OLD.id AND dir = 'a')
      + (SELECT COALESCE(SUM(cum), 0) FROM lane WHERE ch = OLD.id AND dir = 'a')
    AND NEW.fund_b = (SELECT held FROM escrow WHERE ch = OLD.id AND dir = 'b')
      + (SELECT COALESCE(SUM(cum), 0) FROM lane WHERE ch = OLD.id AND dir = 'b')
  WHEN 'active>closing' THEN NEW.close_at = (SELECT now_ms FROM clock) + OLD.window_ms
  WHEN 'active>closed' THEN NEW.coop_a IS NOT NULL
  WHEN 'closing>closed' THEN NEW.coop_a IS NOT NULL OR (SELECT now_ms FROM clock) >= OLD.close_at
  ELSE 0 END
BEGIN SELECT RAISE(ABORT, 'illegal channel transition'); END;
CREATE TRIGGER channel_done BEFORE UPDATE ON channel
WHEN NEW.state = 'closed' AND (
  EXISTS (SELECT 1 FROM claim WHERE ch = OLD.id AND state IN ('pending', 'disputed'))
  OR NEW.final_a NOT BETWEEN
    (SELECT COALESCE(SUM(cum), 0) FROM lane WHERE ch = OLD.id AND dir = 'a') AND NEW.fund_a
  OR NEW.final_b NOT BETWEEN
    (SELECT COALESCE(SUM(cum), 0) FROM lane WHERE ch = OLD.id AND dir = 'b') AND NEW.fund_b)
BEGIN SELECT RAISE(ABORT, 'closed means unclaimed and within the funds'); END;
CREATE TRIGGER channel_payout AFTER UPDATE ON channel
WHEN NEW.state = 'closed' AND OLD.state <> 'closed' BEGIN
  INSERT INTO transfer(id, debit, credit, amount, code, ref, ts)
    SELECT 'coop:' || NEW.id || ':' || p.dir, 'esc:' || NEW.id || ':' || p.dir, 'avl:' || p.payee,
      p.due, 'coop', NEW.id, (SELECT now_ms FROM clock)
    FROM (
      SELECT d.dir, CASE d.dir WHEN 'a' THEN NEW.b ELSE NEW.a END AS payee,
        CASE d.dir WHEN 'a' THEN NEW.final_a ELSE NEW.final_b END
          - (SELECT COALESCE(SUM(cum), 0) FROM lane WHERE ch = NEW.id AND dir = d.dir) AS due
      FROM (SELECT 'a' dir UNION ALL SELECT 'b') d) p
    WHERE p.due > 0;
  INSERT INTO transfer(id, debit, credit, amount, code, ref, ts)
    SELECT 'refund:' || e.ch || ':' || e.dir, 'esc:' || e.ch || ':' || e.dir,
      'avl:' || CASE e.dir WHEN 'a' THEN NEW.a ELSE NEW.b END, e.held, 'refund', e.ch,
      (SELECT now_ms FROM clock)
    FROM escrow e WHERE e.ch = NEW.id AND e.held > 0;
END;

-- Money leaves escrow by lane_pay and channel_payout alone. The debit esc:<ch>:<dir> and the id
-- redeem:<ch>:<dir>:<lane>:<cum> say which lane to look at: a channel may have 512.
CREATE TRIGGER escrow_out BEFORE INSERT ON transfer
WHEN substr(NEW.debit, 1, 4) = 'esc:' AND NOT CASE NEW.code
  WHEN 'redeem' THEN EXISTS (
    SELECT 1 FROM lane l WHERE l.ch = substr(NEW.debit, 5, length(NEW.debit) - 6)
      AND l.dir = substr(NEW.debit, -1)
      AND l.lane = CAST(substr(NEW.id, length(NEW.debit) + 5) AS INTEGER) AND l.cum > 0
      AND NEW.id = 'redeem:' || l.ch || ':' || l.dir || ':' || l.lane || ':' || l.cum)
  ELSE NEW.code IN ('coop', 'refund') AND EXISTS (
    SELECT 1 FROM channel
    WHERE id = substr(NEW.debit, 5, length(NEW.debit) - 6) AND state = 'closed') END
BEGIN SELECT RAISE(ABORT, 'escrow pays by a lane or at the close'); END;
-- And enters it only before the channel closes.
CREATE TRIGGER escrow_in BEFORE INSERT ON transfer
WHEN substr(NEW.credit, 1, 4) = 'esc:' AND EXISTS (
  SELECT 1 FROM channel WHERE id = substr(NEW.credit, 5, length(NEW.credit) - 6)
    AND state IN ('closing', 'closed'))
BEGIN SELECT RAISE(ABORT, 'this channel takes no more money'); END;

-- A cooperative close that waits for the other signature: a proposal, never a fact.
CREATE TABLE close_proposal(
  ch TEXT PRIMARY KEY REFERENCES channel(id),
  body TEXT NOT NULL,
  by_did TEXT NOT NULL,
  sig TEXT NOT NULL CHECK (length(sig) = 86),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Signed orders that are used up: cancel, close1, close, top-up, roll, credit, withdrawal, verdict.
-- The id is that of the unsigned body, so one order has one effect.
CREATE TABLE instruction(
  id TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  ref TEXT NOT NULL,
  envelope TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX instruction_ref ON instruction(ref);
CREATE TRIGGER instruction_new BEFORE INSERT ON instruction
WHEN NEW.at <> (SELECT now_ms FROM clock) OR EXISTS (SELECT 1 FROM instruction WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'an order is carried out once'); END;
CREATE TRIGGER instruction_fixed BEFORE UPDATE ON instruction
BEGIN SELECT RAISE(ABORT, 'an order is immutable'); END;
CREATE TRIGGER instruction_keep BEFORE DELETE ON instruction
BEGIN SELECT RAISE(ABORT, 'an order is immutable'); END;
