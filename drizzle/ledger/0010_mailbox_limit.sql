-- A voucher is within the fund by its own total. The sum over all lanes is no limit of the mailbox:
-- a payer could use it up on one lane and keep out what its payee accepted on another (ADR 0020).
DROP TRIGGER mailbox_new;
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
  SELECT RAISE(ABORT, 'a voucher exceeds the fund') WHERE NEW.cum > (
    SELECT CASE NEW.dir WHEN 'a' THEN fund_a ELSE fund_b END FROM channel WHERE id = NEW.ch);
END;
DROP TRIGGER mailbox_rise;
CREATE TRIGGER mailbox_rise BEFORE UPDATE ON mailbox
WHEN NEW.cum <= OLD.cum OR NEW.ch <> OLD.ch OR NEW.dir <> OLD.dir OR NEW.lane <> OLD.lane
  OR NEW.cum > (SELECT CASE NEW.dir WHEN 'a' THEN fund_a ELSE fund_b END
    FROM channel WHERE id = NEW.ch)
BEGIN SELECT RAISE(ABORT, 'a mailbox only rises, up to the fund'); END;
