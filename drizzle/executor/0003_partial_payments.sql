-- What the receipts behind redeemed_memo add up to: below `redeemed` after a payment in part.
ALTER TABLE lane ADD COLUMN redeemed_memo_cum INTEGER NOT NULL DEFAULT 0;
UPDATE lane SET redeemed_memo_cum = redeemed;
-- The node's own side of each channel: what it has put in, for rebalancing after a restart.
ALTER TABLE channel ADD COLUMN own_fund INTEGER NOT NULL DEFAULT 0 CHECK (own_fund >= 0);
