-- A node keeps what it did for ever. What is left to do, and the newest of what was done, is found
-- without reading the rest.
CREATE INDEX channel_live ON channel (ch) WHERE state <> 'closed';
-- Unpaid receipts (NULL) of a lane, and those that one voucher paid.
CREATE INDEX receipt_paid ON receipt (ch, lane, paid_cum, due);
CREATE INDEX receipt_undelivered ON receipt (result_n) WHERE delivered_at IS NULL;
CREATE INDEX voucher_at ON voucher (at);
CREATE INDEX voucher_waiting ON voucher (redeemed_at, ch, lane, cum, at, amount)
WHERE redeemed_at IS NULL;
CREATE INDEX claim_next ON claim (state, next_at);
DROP INDEX voucher_unredeemed;
