-- Claims: a conditional voucher with its receipt, pending -> posted | voided, disputable before
-- it posts. A dispute is a state of the claim, so every other lane goes on.
CREATE TABLE claim(
  -- The id of the paych.cond body; the row's fields are that body, its executor is the payee.
  id TEXT PRIMARY KEY,
  ch TEXT NOT NULL REFERENCES channel(id),
  dir TEXT NOT NULL CHECK (dir IN ('a', 'b')),
  lane INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 255),
  base INTEGER NOT NULL CHECK (base >= 0),
  cap INTEGER NOT NULL CHECK (cap > 0),
  -- At most the receipt's: less where the escrow covers less at the filing, or by a verdict.
  price INTEGER NOT NULL CHECK (price BETWEEN 0 AND cap),
  -- One task is claimed once and one receipt pays once, anywhere.
  task TEXT NOT NULL UNIQUE,
  receipt TEXT NOT NULL UNIQUE,
  not_after INTEGER NOT NULL,
  at INTEGER NOT NULL,
  post_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'disputed', 'posted', 'voided')),
  verdict TEXT,
  cond_sig TEXT NOT NULL DEFAULT '',
  receipt_envelope TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX claim_live ON claim(ch, dir, lane) WHERE state IN ('pending', 'disputed');
CREATE INDEX claim_ch ON claim(ch);
CREATE INDEX claim_pending ON claim(post_at) WHERE state = 'pending';
CREATE INDEX claim_disputed ON claim(post_at) WHERE state = 'disputed';

CREATE TRIGGER claim_new BEFORE INSERT ON claim
WHEN NEW.state NOT IN ('pending', 'disputed') OR NEW.verdict IS NOT NULL
  OR NEW.at <> (SELECT now_ms FROM clock) OR NEW.at > NEW.not_after
  OR NEW.base + NEW.price <= COALESCE((
    SELECT cum FROM lane WHERE ch = NEW.ch AND dir = NEW.dir AND lane = NEW.lane), 0)
  OR EXISTS (SELECT 1 FROM claim WHERE id = NEW.id OR task = NEW.task OR receipt = NEW.receipt
    OR (ch = NEW.ch AND dir = NEW.dir AND lane = NEW.lane AND state IN ('pending', 'disputed')))
  OR NOT EXISTS (SELECT 1 FROM channel c WHERE c.id = NEW.ch AND c.state IN ('active', 'closing')
    AND (c.close_at IS NULL OR NEW.at < c.close_at) AND NEW.post_at = NEW.at + c.claim_ms)
BEGIN SELECT RAISE(ABORT, 'claim not admissible'); END;
CREATE TRIGGER claim_solvent AFTER INSERT ON claim
WHEN (SELECT credits - debits FROM account WHERE id = 'esc:' || NEW.ch || ':' || NEW.dir) < (
  SELECT SUM(MAX(0, k.base + k.price - COALESCE((
    SELECT cum FROM lane l WHERE l.ch = k.ch AND l.dir = k.dir AND l.lane = k.lane), 0)))
  FROM claim k
  WHERE k.ch = NEW.ch AND k.dir = NEW.dir AND k.state IN ('pending', 'disputed'))
BEGIN SELECT RAISE(ABORT, 'claims exceed escrow'); END;
CREATE TRIGGER claim_keep BEFORE DELETE ON claim
BEGIN SELECT RAISE(ABORT, 'claim stays'); END;
CREATE TRIGGER claim_fsm BEFORE UPDATE ON claim
WHEN NOT (NEW.id = OLD.id AND NEW.ch = OLD.ch AND NEW.dir = OLD.dir AND NEW.lane = OLD.lane
  AND NEW.base = OLD.base AND NEW.cap = OLD.cap AND NEW.price <= OLD.price
  AND NEW.task = OLD.task AND NEW.receipt = OLD.receipt AND NEW.not_after = OLD.not_after
  AND NEW.at = OLD.at AND NEW.post_at = OLD.post_at AND NEW.cond_sig = OLD.cond_sig
  AND NEW.receipt_envelope = OLD.receipt_envelope
  AND CASE OLD.state || '>' || NEW.state
    WHEN 'pending>posted' THEN (SELECT now_ms FROM clock) >= OLD.post_at AND NEW.price = OLD.price
    WHEN 'pending>disputed' THEN (SELECT now_ms FROM clock) < OLD.post_at AND NEW.price = OLD.price
    WHEN 'disputed>posted' THEN NEW.verdict IS NOT NULL
    WHEN 'disputed>voided' THEN NEW.verdict IS NOT NULL
    -- Both parties agreed to close, or equivocation was shown.
    WHEN 'pending>voided' THEN NEW.verdict IS NOT NULL
    ELSE 0 END)
BEGIN SELECT RAISE(ABORT, 'illegal claim transition'); END;
CREATE TRIGGER claim_post AFTER UPDATE ON claim
WHEN NEW.state = 'posted' AND OLD.state <> 'posted' BEGIN
  INSERT INTO lane(ch, dir, lane, cum, via) VALUES (NEW.ch, NEW.dir, NEW.lane, 0, '');
  UPDATE lane SET cum = NEW.base + NEW.price, via = NEW.id, memo = NEW.id,
      memo_cum = NEW.base + NEW.price
    WHERE ch = NEW.ch AND dir = NEW.dir AND lane = NEW.lane AND cum < NEW.base + NEW.price;
END;

-- Why a creator does not pay a receipt; a claim on that receipt starts disputed.
CREATE TABLE objection(
  receipt TEXT NOT NULL,
  creator TEXT NOT NULL,
  reason TEXT NOT NULL,
  envelope TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (receipt, creator)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER objection_new BEFORE INSERT ON objection
WHEN NEW.at <> (SELECT now_ms FROM clock)
  OR EXISTS (SELECT 1 FROM objection WHERE receipt = NEW.receipt AND creator = NEW.creator)
BEGIN SELECT RAISE(ABORT, 'an objection is raised once'); END;
CREATE TRIGGER objection_fixed BEFORE UPDATE ON objection
BEGIN SELECT RAISE(ABORT, 'an objection is immutable'); END;
CREATE TRIGGER objection_keep BEFORE DELETE ON objection
BEGIN SELECT RAISE(ABORT, 'an objection is immutable'); END;

-- Arbiters' signed words on a disputed claim, one each. Equal words have the same id.
CREATE TABLE verdict(
  claim TEXT NOT NULL REFERENCES claim(id),
  arbiter TEXT NOT NULL,
  id TEXT NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('posted', 'voided')),
  price INTEGER NOT NULL CHECK (price >= 0),
  envelope TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (claim, arbiter)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER verdict_new BEFORE INSERT ON verdict
WHEN NOT EXISTS (SELECT 1 FROM claim WHERE id = NEW.claim AND state = 'disputed')
  OR EXISTS (SELECT 1 FROM verdict WHERE claim = NEW.claim AND arbiter = NEW.arbiter)
BEGIN SELECT RAISE(ABORT, 'a verdict is given once, on a disputed claim'); END;
CREATE TRIGGER verdict_fixed BEFORE UPDATE ON verdict
BEGIN SELECT RAISE(ABORT, 'a verdict is immutable'); END;
CREATE TRIGGER verdict_keep BEFORE DELETE ON verdict
BEGIN SELECT RAISE(ABORT, 'a verdict is immutable'); END;
