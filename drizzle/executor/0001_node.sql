-- node.db of one executor: everything it must still know after a crash.
-- Amounts are whole micro-units, times are ms since the epoch, signed objects are kept as they
-- travel (JSON of {type, body, sigs}).

-- What init pinned, and the positions of the link. One row.
CREATE TABLE node (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  did TEXT NOT NULL,
  edge TEXT NOT NULL,
  edge_did TEXT NOT NULL,
  network TEXT NOT NULL,
  asset TEXT NOT NULL,
  -- Names this life of the outbox; its numbers start again with a new one.
  session TEXT NOT NULL,
  outbox_n INTEGER NOT NULL DEFAULT 0 CHECK (outbox_n >= 0),
  -- The edge's outbox positions whose effects are in this database.
  seen_ledger INTEGER NOT NULL DEFAULT 0 CHECK (seen_ledger >= 0),
  seen_directory INTEGER NOT NULL DEFAULT 0 CHECK (seen_directory >= 0),
  -- Measured speed of this machine, gas per ms of wall time.
  gas_per_ms INTEGER CHECK (gas_per_ms > 0),
  created_at INTEGER NOT NULL
) STRICT;

-- Messages that the edge has not acknowledged, numbered within node.session without gaps.
CREATE TABLE outbox (
  n INTEGER PRIMARY KEY CHECK (n > 0),
  type TEXT NOT NULL,
  -- What the message is about: a task, an agent or a channel.
  ref TEXT NOT NULL,
  body TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- Channels in which this node is paid. `dir` is the payer's side.
CREATE TABLE channel (
  ch TEXT PRIMARY KEY,
  open TEXT NOT NULL,
  dir TEXT NOT NULL CHECK (dir IN ('a', 'b')),
  payer TEXT NOT NULL,
  fund INTEGER NOT NULL CHECK (fund >= 0),
  window_ms INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('opening', 'active', 'closing', 'closed')),
  -- When a closing channel's window ends.
  close_at INTEGER,
  -- A cooperative close that this node signs once all is redeemed, and the message that asked.
  close TEXT,
  at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER channel_closed_is_final BEFORE UPDATE OF state ON channel
  WHEN OLD.state = 'closed' AND NEW.state <> 'closed'
  BEGIN SELECT RAISE(ABORT, 'a closed channel stays closed'); END;

-- One lane: `held` and `memo` are of its newest voucher or posted claim, `redeemed` and
-- `redeemed_memo` what the ledger has paid; the receipts to redeem next fold onto that memo.
CREATE TABLE lane (
  ch TEXT NOT NULL REFERENCES channel (ch),
  lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 255),
  held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  memo TEXT NOT NULL DEFAULT '',
  redeemed INTEGER NOT NULL DEFAULT 0 CHECK (redeemed >= 0),
  redeemed_memo TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (ch, lane)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER lane_never_falls BEFORE UPDATE ON lane
  WHEN NEW.redeemed < OLD.redeemed OR NEW.held < OLD.held
  BEGIN SELECT RAISE(ABORT, 'a lane never falls'); END;

-- Offers and what became of them.
CREATE TABLE task (
  task TEXT PRIMARY KEY,
  manifest TEXT NOT NULL,
  cond TEXT NOT NULL,
  input BLOB,
  state TEXT NOT NULL CHECK (state IN ('accepted', 'done', 'rejected', 'abandoned')),
  accept TEXT,
  deadline INTEGER,
  -- Why it was rejected or abandoned; '' otherwise.
  code TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL,
  CHECK ((state IN ('accepted', 'done', 'abandoned')) = (accept IS NOT NULL))
) STRICT;
CREATE INDEX task_state ON task (state, at);

-- Conditional vouchers of accepted tasks. Open: the payer may come to owe base + min(price, cap).
CREATE TABLE cond (
  task TEXT PRIMARY KEY REFERENCES task (task),
  id TEXT NOT NULL UNIQUE,
  ch TEXT NOT NULL REFERENCES channel (ch),
  lane INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 255),
  base INTEGER NOT NULL CHECK (base >= 0),
  cap INTEGER NOT NULL CHECK (cap > 0),
  not_after INTEGER NOT NULL,
  -- settled: paid by voucher or claim. dropped: this node signs no receipt for it any more.
  -- dead: not_after passed unpaid.
  state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'dropped', 'dead'))
) STRICT;
CREATE UNIQUE INDEX cond_open ON cond (ch, lane) WHERE state = 'open';

-- One receipt a task, for ever: two different ones would be equivocation.
CREATE TABLE receipt (
  task TEXT PRIMARY KEY REFERENCES task (task),
  id TEXT NOT NULL UNIQUE,
  receipt TEXT NOT NULL,
  ch TEXT NOT NULL REFERENCES channel (ch),
  lane INTEGER NOT NULL,
  price INTEGER NOT NULL CHECK (price >= 0),
  -- The lane's total that pays it: base + price.
  due INTEGER NOT NULL CHECK (due >= price),
  at INTEGER NOT NULL,
  -- Number of its task.result in the outbox; NULL until the output is where the message says.
  result_n INTEGER,
  delivered_at INTEGER,
  -- The voucher total that paid it.
  paid_cum INTEGER
) STRICT;
CREATE INDEX receipt_lane ON receipt (ch, lane, due);
CREATE TRIGGER receipt_signed_once BEFORE UPDATE OF id, receipt, ch, lane, price, due ON receipt
  BEGIN SELECT RAISE(ABORT, 'a receipt is signed once'); END;
CREATE TRIGGER receipt_kept BEFORE DELETE ON receipt
  BEGIN SELECT RAISE(ABORT, 'a receipt is kept'); END;
CREATE TRIGGER receipt_only_while_accepted BEFORE INSERT ON receipt
  WHEN (SELECT state FROM task WHERE task = NEW.task) IS NOT 'accepted'
  BEGIN SELECT RAISE(ABORT, 'a receipt is for an accepted task without one'); END;

-- Outputs, until the lane has paid for them.
CREATE TABLE output (
  task TEXT PRIMARY KEY REFERENCES receipt (task),
  sha256 TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

-- Every voucher that raised a lane, oldest kept too: earnings are traced to them.
CREATE TABLE voucher (
  ch TEXT NOT NULL REFERENCES channel (ch),
  lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 255),
  cum INTEGER NOT NULL CHECK (cum > 0),
  id TEXT NOT NULL,
  -- What it added to everything held on the lane before.
  amount INTEGER NOT NULL CHECK (amount > 0 AND amount <= cum),
  memo TEXT NOT NULL,
  voucher TEXT NOT NULL,
  at INTEGER NOT NULL,
  redeemed_at INTEGER,
  PRIMARY KEY (ch, lane, cum)
) STRICT, WITHOUT ROWID;
CREATE INDEX voucher_unredeemed ON voucher (at) WHERE redeemed_at IS NULL;

-- Claims filed where no voucher came, as the ledger last told them.
CREATE TABLE claim (
  task TEXT PRIMARY KEY REFERENCES receipt (task),
  -- '' until the ledger has taken it.
  id TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('due', 'pending', 'disputed', 'posted', 'voided', 'refused')),
  -- What it paid, once posted.
  amount INTEGER NOT NULL DEFAULT 0 CHECK (amount >= 0),
  tries INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL,
  code TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL
) STRICT;

-- Admitted modules of the cards here.
CREATE TABLE module (
  sha256 TEXT PRIMARY KEY,
  bytes BLOB NOT NULL,
  meter TEXT NOT NULL,
  -- When the edge last took it as a blob.
  put_at INTEGER,
  at INTEGER NOT NULL
) STRICT;

-- The cards this node publishes, newest record of each agent.
CREATE TABLE card (
  agent TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  -- agent.json as it was read, for signing the card again before it expires.
  source TEXT NOT NULL,
  card TEXT NOT NULL,
  record TEXT NOT NULL,
  -- JSON array of the modules it names.
  modules TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
  -- waiting: not with the edge yet. sent: in the outbox. live: the edge has it. refused: code says why.
  state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'live', 'refused')),
  code TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER card_seq_rises BEFORE UPDATE OF seq, record ON card WHEN NEW.seq <= OLD.seq
  BEGIN SELECT RAISE(ABORT, 'a card record takes a higher seq'); END;
