import { hashBytes } from '../index/dictionary.ts';
import type { SearchQuery } from '../query.ts';

/** A page border: results before `offset` were given, of the query `print`, at `rev`. */
export interface Cursor {
  readonly rev: number;
  readonly offset: number;
  readonly print: number;
}

const FORM = /^([0-9a-z]{1,11})-([0-9a-z]{1,4})-([0-9a-z]{1,7})$/;

export function writeCursor({ rev, offset, print }: Cursor): string {
  return [rev, offset, print].map((number) => number.toString(36)).join('-');
}

/** The cursor, or undefined when the text is none. */
export function readCursor(text: string): Cursor | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [rev = 0, offset = 0, print = 0] = match.slice(1).map((part) => Number.parseInt(part, 36));
  return { rev, offset, print };
}

/** A number that two queries share when they ask the same, whatever page and time. */
export function queryPrint(query: SearchQuery): number {
  const { text, filters = {}, weights = {} } = query;
  const fields = [text, ...sorted(filters), '|', ...sorted(weights)];
  return hashBytes(new TextEncoder().encode(JSON.stringify(fields)));
}

function sorted(record: object): string[] {
  return Object.entries(record)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join('\n') : String(value)}`)
    .sort();
}
