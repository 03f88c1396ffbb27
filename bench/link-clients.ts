/** A process full of links, told what to do by the bench that forked it. */
import { LinkClient, type LinkEvents, type LinkTarget } from './link-client.ts';

export type ClientsOrder =
  | { readonly do: 'make'; readonly first: number; readonly count: number }
  /** The first `count` links dial. */
  | { readonly do: 'open'; readonly count: number; readonly target: LinkTarget }
  | { readonly do: 'close' };

export interface ClientsReport {
  readonly made: number;
  readonly up: number;
  readonly dials: number;
  /** When the last link came up, ms since the epoch. */
  readonly lastUpAt: number;
  /** Links that were up and ended, and tries that failed, by their reason. */
  readonly lost: number;
  readonly failed: Readonly<Record<string, number>>;
  /** Messages of the edge's outboxes that arrived, each counted once; own ones acknowledged. */
  readonly messages: number;
  readonly acknowledged: number;
}

const REPORT_MS = 50;

const links: LinkClient[] = [];
const opened = new Set<LinkClient>();
const state = { up: 0, dials: 0, lastUpAt: 0, lost: 0, messages: 0, acknowledged: 0 };
let changes = 0;
let reported = 0;
let failed: Record<string, number> = {};

const events: LinkEvents = {
  dialled() {
    state.dials++;
    changes++;
  },
  up() {
    state.up++;
    state.lastUpAt = Date.now();
    changes++;
  },
  down(reason: string, wasUp: boolean) {
    changes++;
    if (wasUp) {
      state.up--;
      state.lost++;
    } else failed[reason] = (failed[reason] ?? 0) + 1;
  },
  message() {
    state.messages++;
    changes++;
  },
  acknowledged() {
    state.acknowledged++;
    changes++;
  },
};

process.on('message', (order: ClientsOrder) => {
  changes++;
  if (order.do === 'make') {
    for (let n = order.first; n < order.first + order.count; n++) {
      links.push(new LinkClient(addressOf(n), events));
    }
  } else if (order.do === 'open') {
    for (const link of links.slice(0, order.count)) {
      if (opened.has(link)) continue;
      opened.add(link);
      link.start(order.target);
    }
  } else {
    for (const link of opened) link.stop();
    opened.clear();
    Object.assign(state, { up: 0, dials: 0, lost: 0, messages: 0, acknowledged: 0 });
    failed = {};
  }
});
process.on('disconnect', () => process.exit(0));

setInterval(() => {
  if (changes === reported) return;
  reported = changes;
  const report: ClientsReport = { made: links.length, ...state, failed };
  // A bench that ended hears nothing more.
  process.send?.(report, () => {});
}, REPORT_MS);

/** Executors have addresses of their own; 127.0.0.0/8 has enough of them. */
function addressOf(n: number): string {
  return `127.${1 + (n >> 16)}.${(n >> 8) & 0xff}.${n & 0xff}`;
}
