/** The same queries put to what a database brings of its own. */
import { rm } from 'node:fs/promises';
import { type CardDocument, cardText, ngramHash384 } from '@zerostate/discovery';
import { openDatabase } from '../apps/edge/src/adapters/libsql.ts';
import { withPostgres } from './postgres.ts';
import { quantile } from './report.ts';
import { cachePath, isCached, keep } from './search-cache.ts';
import { syntheticCards } from './search-data.ts';

const QUERIES = 100;
const BATCH = 200;
/** Ten nearest by libSQL's vector index over so many cards: inserting takes milliseconds a row. */
export const LIBSQL_CARDS = 10_000;
const LIBSQL_NAME = `libsql-vectors-${LIBSQL_CARDS}.v1.db`;
const NEAR =
  "libsql_vector_idx(v, 'metric=cosine', 'compress_neighbors=float8', 'max_neighbors=20')";

async function vectorBlob(text: string): Promise<Uint8Array> {
  const [vector = new Int8Array(0)] = await ngramHash384.embed([text]);
  return new Uint8Array(Float32Array.from(vector).buffer);
}

/** p50 in ms of the ten nearest by libSQL's vector index, through its embedded library. */
export async function libsqlVectors(note: (line: string) => void): Promise<number> {
  const { cards, queries } = syntheticCards(LIBSQL_CARDS, QUERIES);
  const isBuilt = isCached(`${LIBSQL_NAME}.done`);
  if (!isBuilt) await rm(cachePath(LIBSQL_NAME), { force: true });
  const database = openDatabase({ url: `file:${cachePath(LIBSQL_NAME)}`, synchronous: 'normal' });
  try {
    if (!isBuilt) {
      note(`libSQL: inserting ${LIBSQL_CARDS} vectors`);
      await database.batch([
        { sql: 'CREATE TABLE card(id INTEGER PRIMARY KEY, v F32_BLOB(384))', args: [] },
        { sql: `CREATE INDEX near ON card(${NEAR})`, args: [] },
      ]);
      for (let start = 0; start < cards.length; start += BATCH) {
        const blobs = cards.slice(start, start + BATCH).map((card) => vectorBlob(cardText(card)));
        const rows = (await Promise.all(blobs)).map((blob, i) => ({
          sql: 'INSERT INTO card VALUES (?, vector32(?))',
          args: [start + i, blob],
        }));
        await database.batch(rows);
      }
      keep(`${LIBSQL_NAME}.done`, '');
    }
    const times: number[] = [];
    for (const text of queries) {
      const start = performance.now();
      const args = [await vectorBlob(text)];
      await database.read({ sql: "SELECT id FROM vector_top_k('near', vector32(?), 10)", args });
      times.push(performance.now() - start);
    }
    return quantile(times, 0.5);
  } finally {
    await database.close();
  }
}

const quoted = (text: string) => text.replaceAll('\\', '\\\\').replaceAll(/[\t\n]/g, ' ');

/**
 * p50 in ms of the ten best by PostgreSQL's full text search (GIN index, `ts_rank`, any of the
 * words), timed inside the server; null where PostgreSQL 15 is not installed.
 */
export async function postgresFullText(
  size: number,
  note: (line: string) => void,
): Promise<number | null> {
  const { cards, queries } = syntheticCards(size, QUERIES);
  note(`PostgreSQL: loading ${size} cards`);
  const answer = await withPostgres(textScript(cards, queries), 'shared_buffers=256MB');
  return answer === null ? null : Number(answer);
}

function textScript(cards: readonly CardDocument[], queries: readonly string[]): string {
  return `CREATE TABLE card(id int PRIMARY KEY, words text);
COPY card FROM stdin;
${cards.map((card, i) => `${i}\t${quoted(cardText(card))}`).join('\n')}
\\.
ALTER TABLE card ADD terms tsvector GENERATED ALWAYS AS (to_tsvector('english', words)) STORED;
CREATE INDEX ON card USING gin(terms);
CREATE TABLE asked(words text);
COPY asked FROM stdin;
${queries.map((text) => quoted(text.split(' ').join(' | '))).join('\n')}
\\.
ANALYZE;
CREATE FUNCTION measure() RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE one text; start timestamptz; took double precision[] := '{}';
BEGIN
  FOR turn IN 1..2 LOOP
    took := '{}';
    FOR one IN SELECT words FROM asked LOOP
      start := clock_timestamp();
      PERFORM id FROM card, to_tsquery('english', one) query WHERE terms @@ query
        ORDER BY ts_rank(terms, query) DESC LIMIT 10;
      took := took || extract(epoch FROM clock_timestamp() - start) * 1000;
    END LOOP;
  END LOOP;
  RETURN (SELECT percentile_cont(.5) WITHIN GROUP (ORDER BY ms) FROM unnest(took) ms);
END $$;
SELECT measure();
`;
}
