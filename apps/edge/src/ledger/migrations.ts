/**
 * The migrations in drizzle/ledger, in order. `/readyz` compares them with what is applied;
 * workers cannot read the folder, so a test holds this list to it.
 */
export const LEDGER_MIGRATIONS: readonly string[] = [
  '0001_accounts',
  '0002_channels',
  '0003_lanes',
  '0004_claims',
  '0005_rails_seals',
  '0006_evidence',
  '0007_outbox_leases',
  '0008_answers',
  '0009_withdrawals',
  '0010_mailbox_limit',
  '0011_lane_memo',
  '0012_account_owner',
];
