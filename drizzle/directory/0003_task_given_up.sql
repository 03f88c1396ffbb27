-- An executor may give up a task that it accepted: rejected, with its accept still there.
DROP TRIGGER task_fsm;
CREATE TRIGGER task_fsm BEFORE UPDATE ON task
WHEN NOT (NEW.id = OLD.id AND NEW.manifest = OLD.manifest AND NEW.cond = OLD.cond
  AND NEW.creator = OLD.creator AND NEW.executor = OLD.executor
  AND NEW.submitted_at = OLD.submitted_at
  AND (OLD.accept IS NULL OR (NEW.accept = OLD.accept AND NEW.accepted_at = OLD.accepted_at))
  AND (OLD.receipt IS NULL OR (NEW.receipt = OLD.receipt AND NEW.done_at = OLD.done_at))
  AND (OLD.state = NEW.state OR CASE OLD.state
    WHEN 'offered' THEN NEW.state IN ('accepted', 'rejected')
    WHEN 'accepted' THEN NEW.state IN ('done', 'failed', 'rejected')
    ELSE 0 END))
BEGIN SELECT RAISE(ABORT, 'a task goes forward'); END;
