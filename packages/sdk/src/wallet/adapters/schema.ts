/**
 * Tables of the caller's wallet. The triggers hold, whatever the code above them does: a lane's
 * total never falls, a channel's lanes stay within its fund, a receipt is paid once.
 */

/** Tasks that may still need something: the others are kept, and only read when asked for. */
export const UNFINISHED = "state IN ('offered', 'withdrawn', 'objected') OR delivered = 0";

const TABLES = [
  `CREATE TABLE wallet (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    did TEXT NOT NULL,
    network TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE channel (
    ch TEXT PRIMARY KEY,
    peer TEXT NOT NULL,
    dir TEXT NOT NULL CHECK (dir IN ('a', 'b')),
    phase TEXT NOT NULL CHECK (phase IN ('opening', 'active', 'closing', 'closed')),
    close_at INTEGER,
    fund INTEGER NOT NULL CHECK (fund > 0),
    at INTEGER NOT NULL,
    open TEXT NOT NULL,
    close TEXT
  ) STRICT`,
  `CREATE TABLE lane (
    ch TEXT NOT NULL REFERENCES channel (ch),
    lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 255),
    cum INTEGER NOT NULL CHECK (cum >= 0),
    memo TEXT NOT NULL,
    cond_id TEXT,
    cond_task TEXT REFERENCES task (task) DEFERRABLE INITIALLY DEFERRED,
    cond_base INTEGER,
    cond_cap INTEGER CHECK (cond_cap > 0),
    cond_not_after INTEGER,
    cond_price INTEGER,
    cond_claimed INTEGER CHECK (cond_claimed IN (0, 1)),
    PRIMARY KEY (ch, lane)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE task (
    task TEXT PRIMARY KEY,
    ch TEXT NOT NULL REFERENCES channel (ch),
    lane INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 255),
    state TEXT NOT NULL CHECK (
      state IN ('offered', 'withdrawn', 'objected', 'paid', 'claimed', 'voided', 'lapsed')
    ),
    base INTEGER NOT NULL CHECK (base >= 0),
    cap INTEGER NOT NULL CHECK (cap > 0),
    not_after INTEGER NOT NULL,
    at INTEGER NOT NULL,
    manifest TEXT NOT NULL,
    cond TEXT NOT NULL,
    receipt_id TEXT UNIQUE,
    receipt TEXT,
    price INTEGER CHECK (price BETWEEN 0 AND cap),
    voucher TEXT,
    objection TEXT,
    claimed INTEGER NOT NULL CHECK (claimed IN (0, 1)),
    delivered INTEGER NOT NULL CHECK (delivered IN (0, 1))
  ) STRICT`,
  `CREATE INDEX task_pending ON task (state, delivered)`,
  `CREATE INDEX task_at ON task (at)`,
  `CREATE TABLE day (day INTEGER PRIMARY KEY, reserved INTEGER NOT NULL CHECK (reserved >= 0)) STRICT`,
];

const GUARDS = [
  `CREATE TRIGGER wallet_stale BEFORE UPDATE ON wallet
    WHEN NEW.version <> OLD.version + 1 OR NEW.did <> OLD.did OR NEW.network <> OLD.network
    BEGIN SELECT RAISE(ABORT, 'wallet-stale'); END`,
  `CREATE TRIGGER lane_backwards BEFORE UPDATE ON lane WHEN NEW.cum < OLD.cum
    BEGIN SELECT RAISE(ABORT, 'lane-backwards'); END`,
  `CREATE TRIGGER lane_over_fund AFTER UPDATE ON lane
    WHEN (${exposed('NEW.ch')}) > (SELECT fund FROM channel WHERE ch = NEW.ch)
    BEGIN SELECT RAISE(ABORT, 'lane-over-fund'); END`,
  `CREATE TRIGGER lane_new_over_fund AFTER INSERT ON lane
    WHEN (${exposed('NEW.ch')}) > (SELECT fund FROM channel WHERE ch = NEW.ch)
    BEGIN SELECT RAISE(ABORT, 'lane-over-fund'); END`,
  `CREATE TRIGGER task_final BEFORE UPDATE ON task
    WHEN OLD.state IN ('paid', 'claimed', 'voided', 'lapsed')
      AND (NEW.state <> OLD.state OR NEW.receipt_id IS NOT OLD.receipt_id
        OR NEW.price IS NOT OLD.price OR NEW.voucher IS NOT OLD.voucher)
    BEGIN SELECT RAISE(ABORT, 'task-final'); END`,
  `CREATE TRIGGER channel_terms BEFORE UPDATE ON channel
    WHEN NEW.fund <> OLD.fund OR NEW.dir <> OLD.dir OR NEW.open <> OLD.open
      OR (OLD.phase = 'closed' AND NEW.phase <> 'closed')
    BEGIN SELECT RAISE(ABORT, 'channel-terms'); END`,
];

/** Sum over the lanes of the higher of what was paid and what the open cond may come to. */
function exposed(ch: string): string {
  return `SELECT sum(max(cum, coalesce(cond_base + cond_cap, 0))) FROM lane WHERE ch = ${ch}`;
}

/** From an empty file to version 1, from 1 to 2, and so on. What is here is never changed. */
export const UPGRADES: readonly (readonly string[])[] = [
  [...TABLES, ...GUARDS],
  [
    'DROP INDEX task_pending',
    `CREATE INDEX task_unfinished ON task (task)
      WHERE state IN ('offered', 'withdrawn', 'objected') OR delivered = 0`,
  ],
];
export const SCHEMA_VERSION = UPGRADES.length;
