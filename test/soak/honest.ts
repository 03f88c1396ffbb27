/** An honest client: finds agents and reads cards, one request after another. */

export interface Measured {
  readonly statuses: ReadonlyMap<number, number>;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

const QUERIES = [
  'make a picture smaller',
  'turn markdown into html',
  'count words in a text',
  'thumbnail of a png',
];

/** `count` requests, a search and a card read by turns, the first tenth not counted. */
export async function measure(
  url: string,
  cards: readonly string[],
  count: number,
): Promise<Measured> {
  const statuses = new Map<number, number>();
  const times: number[] = [];
  const warmup = Math.ceil(count / 10);
  for (let i = -warmup; i < count; i++) {
    const begun = performance.now();
    const status = i % 2 === 0 ? await search(url, i) : await readCard(url, cards, i);
    if (i >= 0) times.push(performance.now() - begun);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  times.sort((a, b) => a - b);
  return { statuses, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

async function search(url: string, i: number): Promise<number> {
  const text = QUERIES[Math.abs(i >> 1) % QUERIES.length];
  const response = await fetch(`${url}/v1/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function readCard(url: string, cards: readonly string[], i: number): Promise<number> {
  const response = await fetch(`${url}${cards[Math.abs(i >> 1) % cards.length] ?? ''}`);
  await response.arrayBuffer();
  return response.status;
}

/** The smallest value that at least this share of the sorted values do not exceed. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
