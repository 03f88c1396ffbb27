import type { Metrics } from '../ports.ts';

/** Where an isolate's own numbers mean nothing: the platform counts requests, the log has the rest. */
export const noMetrics: Metrics = {
  count() {},
  gauge() {},
  observe() {},
  time: () => () => {},
  render: () => Promise.resolve(null),
};
