/** Every number the edge counts, with what it means and its labels. */
export type MetricKind = 'counter' | 'gauge' | 'histogram';
export type MetricSpec = {
  kind: MetricKind;
  help: string;
  labels: readonly string[];
  /** Upper bounds of a histogram that counts something else than seconds. */
  buckets?: readonly number[];
};

export const METRICS: Readonly<Record<string, MetricSpec>> = {
  zs_http_requests_total: {
    kind: 'counter',
    help: 'Requests answered',
    labels: ['method', 'route', 'status'],
  },
  zs_http_request_seconds: {
    kind: 'histogram',
    help: 'Time from the first middleware to the answer, waits included',
    labels: ['route'],
  },
  zs_links: { kind: 'gauge', help: 'Executors linked to this worker', labels: [] },
  zs_link_messages_total: {
    kind: 'counter',
    help: 'Messages of executors',
    labels: ['type'],
  },
  zs_link_ends_total: { kind: 'counter', help: 'Links that this edge ended', labels: ['code'] },
  zs_mesh_forwards_total: {
    kind: 'counter',
    help: 'Messages handed to gateway nodes, for executors without a link',
    labels: ['type'],
  },
  zs_mesh_answers_total: {
    kind: 'counter',
    help: 'Answers that gateway nodes brought, by what became of them',
    labels: ['type', 'code'],
  },
  zs_tasks_total: { kind: 'counter', help: 'Tasks that came into a state', labels: ['state'] },
  zs_settlements_total: { kind: 'counter', help: 'Redemptions', labels: ['result'] },
  zs_settlement_batch_size: {
    kind: 'histogram',
    help: 'Lanes that one ledger batch raised',
    labels: [],
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500],
  },
  zs_voucher_verify_seconds: {
    kind: 'histogram',
    help: 'Checking one voucher: form, canonical bytes, signature',
    labels: [],
  },
  zs_escrow_micro: { kind: 'gauge', help: 'Micro-units in escrow', labels: [] },
  zs_ledger_imbalance: {
    kind: 'gauge',
    help: 'Sum of credits minus sum of debits; anything but 0 is an alarm',
    labels: [],
  },
  zs_claims_open: { kind: 'gauge', help: 'Claims pending or disputed', labels: [] },
  zs_disputes_total: { kind: 'counter', help: 'Disputes decided', labels: ['verdict', 'tier'] },
  zs_channel_close_overdue: {
    kind: 'gauge',
    help: 'Channels past close_at that are not closed',
    labels: [],
  },
  zs_sweep_rows_total: { kind: 'counter', help: 'Rows that the sweep moved', labels: ['part'] },
};
