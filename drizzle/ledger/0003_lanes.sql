-- Lanes: cumulative totals, raised by a voucher or by a posted claim. cum is what was paid. signed,
-- signed_memo and sig are those of the newest voucher, so that anyone can check it; signed is above
-- cum while the escrow does not cover the whole voucher. memo commits to the receipts of what was
-- paid up to memo_cum: a partial payment leaves both.
CREATE TABLE lane(
  ch TEXT NOT NULL REFERENCES channel(id),
  dir TEXT NOT NULL CHECK (dir IN ('a', 'b')),
  lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 255),
  cum INTEGER NOT NULL CHECK (cum BETWEEN 0 AND 9007199254740991),
  via TEXT NOT NULL,
  memo TEXT NOT NULL DEFAULT '',
  memo_cum INTEGER NOT NULL DEFAULT 0 CHECK (memo_cum BETWEEN 0 AND cum),
  sig TEXT NOT NULL DEFAULT '',
  signed INTEGER NOT NULL DEFAULT 0 CHECK (signed BETWEEN 0 AND 9007199254740991),
  signed_memo TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (ch, dir, lane)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER lane_new BEFORE INSERT ON lane BEGIN
  SELECT RAISE(IGNORE) WHERE EXISTS (
    SELECT 1 FROM lane WHERE ch = NEW.ch AND dir = NEW.dir AND lane = NEW.lane);
  SELECT RAISE(ABORT, 'a lane opens at zero') WHERE NEW.cum <> 0;
END;
CREATE TRIGGER lane_keep BEFORE DELETE ON lane
BEGIN SELECT RAISE(ABORT, 'lane stays'); END;
CREATE TRIGGER lane_rise BEFORE UPDATE ON lane
WHEN NEW.cum <= OLD.cum OR NEW.ch <> OLD.ch OR NEW.dir <> OLD.dir OR NEW.lane <> OLD.lane
BEGIN SELECT RAISE(ABORT, 'a lane only rises'); END;
CREATE TRIGGER lane_signed BEFORE UPDATE ON lane
WHEN NEW.sig <> '' AND NEW.cum > NEW.signed AND NOT EXISTS (
  SELECT 1 FROM claim k WHERE k.id = NEW.via AND k.state = 'posted' AND k.ch = NEW.ch
    AND k.dir = NEW.dir AND k.lane = NEW.lane AND NEW.cum = k.base + k.price)
BEGIN SELECT RAISE(ABORT, 'a lane pays no more than was signed'); END;
-- A claim filed in time still pays after close_at; a voucher does not.
CREATE TRIGGER lane_open BEFORE UPDATE ON lane
WHEN NOT EXISTS (SELECT 1 FROM channel c WHERE c.id = NEW.ch AND c.state IN ('active', 'closing')
  AND (c.close_at IS NULL OR (SELECT now_ms FROM clock) < c.close_at OR EXISTS (
    SELECT 1 FROM claim k WHERE k.id = NEW.via AND k.state = 'posted' AND k.ch = NEW.ch
      AND k.dir = NEW.dir AND k.lane = NEW.lane AND k.at < c.close_at
      AND NEW.cum = k.base + k.price)))
BEGIN SELECT RAISE(ABORT, 'channel not redeemable'); END;
CREATE TRIGGER lane_pay AFTER UPDATE ON lane BEGIN
  INSERT INTO transfer(id, debit, credit, amount, code, ref, ts)
    SELECT 'redeem:' || NEW.ch || ':' || NEW.dir || ':' || NEW.lane || ':' || NEW.cum,
      'esc:' || NEW.ch || ':' || NEW.dir,
      'avl:' || CASE NEW.dir WHEN 'a' THEN c.b ELSE c.a END,
      NEW.cum - OLD.cum, 'redeem', NEW.via, (SELECT now_ms FROM clock)
    FROM channel c WHERE c.id = NEW.ch;
  SELECT RAISE(ABORT, 'live claims are covered first')
  WHERE (SELECT credits - debits FROM account WHERE id = 'esc:' || NEW.ch || ':' || NEW.dir) < (
    SELECT COALESCE(SUM(MAX(0, k.base + k.price - COALESCE((
      SELECT cum FROM lane l WHERE l.ch = k.ch AND l.dir = k.dir AND l.lane = k.lane), 0))), 0)
    FROM claim k
    WHERE k.ch = NEW.ch AND k.dir = NEW.dir AND k.state IN ('pending', 'disputed'));
END;

-- Vouchers held for the payee, newest per lane. at: when the oldest unredeemed one came.
CREATE TABLE mailbox(
  ch TEXT NOT NULL REFERENCES channel(id),
  dir TEXT NOT NULL CHECK (dir IN ('a', 'b')),
  lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 255),
  cum INTEGER NOT NULL CHECK (cum BETWEEN 1 AND 9007199254740991),
  memo TEXT NOT NULL,
  sig TEXT NOT NULL CHECK (length(sig) = 86),
  at INTEGER NOT NULL,
  PRIMARY KEY (ch, dir, lane)
) STRICT, WITHOUT ROWID;
CREATE INDEX mailbox_at ON mailbox(at);
-- A lower or equal total is no news: a replay changes nothing.
CREATE TRIGGER mailbox_new BEFORE INSERT ON mailbox BEGIN
  SELECT RAISE(IGNORE) WHERE EXISTS (
    SELECT 1 FROM mailbox
    WHERE ch = NEW.ch AND dir = NEW.dir AND lane = NEW.lane AND cum >= NEW.cum)
  OR EXISTS (
    SELECT 1 FROM lane
    WHERE ch = NEW.ch AND dir = NEW.dir AND lane = NEW.lane AND cum >= NEW.cum);
  SELECT RAISE(ABORT, 'the mailbox of this channel is shut') WHERE NOT EXISTS (
    SELECT 1 FROM channel c WHERE c.id = NEW.ch AND c.state IN ('active', 'closing')
      AND (c.close_at IS NULL OR (SELECT now_ms FROM clock) < c.close_at));
  SELECT RAISE(ABORT, 'vouchers exceed the fund')
  WHERE (SELECT CASE NEW.dir WHEN 'a' THEN fund_a ELSE fund_b END FROM channel WHERE id = NEW.ch)
    < NEW.cum + (
      SELECT COALESCE(SUM(top), 0) FROM (
        SELECT MAX(cum) AS top FROM (
          SELECT lane, cum FROM lane WHERE ch = NEW.ch AND dir = NEW.dir
          UNION ALL SELECT lane, cum FROM mailbox WHERE ch = NEW.ch AND dir = NEW.dir)
        WHERE lane <> NEW.lane GROUP BY lane));
END;
CREATE TRIGGER mailbox_rise BEFORE UPDATE ON mailbox
WHEN NEW.cum <= OLD.cum OR NEW.ch <> OLD.ch OR NEW.dir <> OLD.dir OR NEW.lane <> OLD.lane
BEGIN SELECT RAISE(ABORT, 'a mailbox only rises'); END;
-- Nothing is thrown away while it could still be redeemed.
CREATE TRIGGER mailbox_keep BEFORE DELETE ON mailbox
WHEN NOT EXISTS (SELECT 1 FROM lane l
    WHERE l.ch = OLD.ch AND l.dir = OLD.dir AND l.lane = OLD.lane AND l.cum >= OLD.cum)
  AND NOT EXISTS (SELECT 1 FROM channel c WHERE c.id = OLD.ch AND (c.state = 'closed'
    OR (c.close_at IS NOT NULL AND (SELECT now_ms FROM clock) >= c.close_at)))
BEGIN SELECT RAISE(ABORT, 'an unredeemed voucher stays'); END;
CREATE TRIGGER mailbox_done AFTER UPDATE OF cum ON lane BEGIN
  DELETE FROM mailbox
  WHERE ch = NEW.ch AND dir = NEW.dir AND lane = NEW.lane AND cum <= NEW.cum;
END;
