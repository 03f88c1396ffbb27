import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient as createNodeClient } from '@libsql/client/http';
import { createClient as createWebClient } from '@libsql/client/web';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HranaServer, startHranaServer } from './hrana-dev-server.ts';

let folder = '';
let server: HranaServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hrana-'));
  server = await startHranaServer({
    file: join(folder, 'test.db'),
    synchronous: 'normal',
    authToken: 'secret',
  });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const post = async (path: string, body: unknown, token = 'secret') => {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
};
const execute = (sql: string) => ({ type: 'execute', stmt: { sql } });

describe.each([
  ['http', createNodeClient],
  ['web', createWebClient],
] as const)('the %s client of libSQL', (name, createClient) => {
  const connect = () => createClient({ url: server.url, authToken: 'secret', intMode: 'bigint' });

  it('runs statements with positional and named arguments and counts changes', async () => {
    const client = connect();
    await client.executeMultiple(`CREATE TABLE ${name}(a INTEGER, b TEXT); SELECT 1;`);
    const inserted = await client.execute({
      sql: `INSERT INTO ${name} VALUES (:a, $b), (2, 'two')`,
      args: { a: 2n ** 60n, b: 'one' },
    });
    expect(inserted.rowsAffected).toBe(2);
    expect(inserted.lastInsertRowid).toBe(2n);
    const read = await client.execute(`SELECT a, b FROM ${name} ORDER BY b`);
    expect(read.columns).toEqual(['a', 'b']);
    expect(read.rows.map(({ a, b }) => [a, b])).toEqual([
      [2n ** 60n, 'one'],
      [2n, 'two'],
    ]);
    client.close();
  });

  it('rolls a batch back as a whole and names the statement', async () => {
    const client = connect();
    await client.execute(`CREATE TABLE ${name}_u(a INTEGER UNIQUE)`);
    const batch = client.batch(
      [`INSERT INTO ${name}_u VALUES (1)`, `INSERT INTO ${name}_u VALUES (1)`],
      'write',
    );
    await expect(batch).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT', statementIndex: 1 });
    expect((await client.execute(`SELECT * FROM ${name}_u`)).rows).toEqual([]);
    client.close();
  });

  it('holds a transaction over several requests while another writer waits', async () => {
    const client = connect();
    await client.execute(`CREATE TABLE ${name}_t(a INTEGER)`);
    const transaction = await client.transaction('write');
    await transaction.execute(`INSERT INTO ${name}_t VALUES (1)`);
    const waiting = client.execute(`INSERT INTO ${name}_t VALUES (2)`);
    await transaction.execute(`INSERT INTO ${name}_t VALUES (3)`);
    await transaction.commit();
    await waiting;
    const { rows } = await client.execute(`SELECT a FROM ${name}_t ORDER BY rowid`);
    expect(rows.map(({ a }) => a)).toEqual([1n, 3n, 2n]);
    client.close();
  });

  it('refuses a wrong token', async () => {
    const client = createClient({ url: server.url, authToken: 'guess' });
    await expect(client.execute('SELECT 1')).rejects.toThrow();
    client.close();
  });
});

describe('the Hrana server', () => {
  it('says which versions it speaks', async () => {
    const headers = { authorization: 'Bearer secret' };
    expect((await fetch(`${server.url}/v2`, { headers })).status).toBe(200);
    expect((await fetch(`${server.url}/v3`, { headers })).status).toBe(200);
    expect((await fetch(`${server.url}/v3-protobuf`, { headers })).status).toBe(404);
  });

  it('continues a stream by its baton once, and rolls back what a stream leaves open', async () => {
    const first = await post('/v3/pipeline', {
      baton: null,
      requests: [
        execute('CREATE TABLE left(a)'),
        execute('BEGIN'),
        execute('INSERT INTO left VALUES (1)'),
      ],
    });
    const { baton } = JSON.parse(first.text);
    const second = await post('/v3/pipeline', {
      baton,
      requests: [{ type: 'get_autocommit' }, { type: 'close' }],
    });
    expect(JSON.parse(second.text)).toMatchObject({
      baton: null,
      results: [{ response: { is_autocommit: false } }, { type: 'ok' }],
    });
    expect(await post('/v3/pipeline', { baton, requests: [] })).toMatchObject({ status: 400 });
    const third = await post('/v2/pipeline', { requests: [execute('SELECT * FROM left')] });
    expect(JSON.parse(third.text).results[0].response.result.rows).toEqual([]);
  });

  it('skips the steps of a batch whose condition does not hold', async () => {
    const stmt = (sql: string) => ({ stmt: { sql } });
    const { text } = await post('/v2/pipeline', {
      requests: [
        {
          type: 'batch',
          batch: {
            steps: [
              stmt('SELEC'),
              { ...stmt('SELECT 1'), condition: { type: 'ok', step: 0 } },
              { ...stmt('SELECT 2'), condition: { type: 'error', step: 0 } },
              { ...stmt('SELECT 3'), condition: { type: 'not', cond: { type: 'ok', step: 2 } } },
              {
                ...stmt('SELECT 4'),
                condition: {
                  type: 'and',
                  conds: [{ type: 'is_autocommit' }, { type: 'ok', step: 2 }],
                },
              },
            ],
          },
        },
      ],
    });
    const { step_results, step_errors } = JSON.parse(text).results[0].response.result;
    expect(step_results.map((done: unknown) => done !== null)).toEqual([
      false,
      false,
      true,
      false,
      true,
    ]);
    expect(step_errors[0]).toMatchObject({ code: 'SQLITE_ERROR' });
  });

  it('describes parameters, columns and whether a statement writes', async () => {
    await post('/v2/pipeline', { requests: [execute('CREATE TABLE d(a INTEGER, b TEXT)')] });
    const describing = (sql: string) => ({ type: 'describe', sql });
    const { text } = await post('/v2/pipeline', {
      requests: [
        describing('SELECT a, b || :tail AS c FROM d WHERE a > :low'),
        describing('INSERT INTO d VALUES (?, ?)'),
        describing('EXPLAIN SELECT 1'),
      ],
    });
    const [select, insert, explain] = JSON.parse(text).results.map(
      (result: { response: { result: unknown } }) => result.response.result,
    );
    expect(select).toMatchObject({
      params: [{ name: ':tail' }, { name: ':low' }],
      cols: [
        { name: 'a', decltype: 'INTEGER' },
        { name: 'c', decltype: null },
      ],
      is_readonly: true,
      is_explain: false,
    });
    expect(insert).toMatchObject({ params: [{ name: null }, { name: null }], is_readonly: false });
    expect(explain).toMatchObject({ is_explain: true });
  });

  it('streams a cursor of the third version', async () => {
    const { text } = await post('/v3/cursor', {
      batch: { steps: [{ stmt: { sql: 'SELECT 1 AS one UNION SELECT 2' } }] },
    });
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type }) => type)).toEqual([
      undefined,
      'step_begin',
      'row',
      'row',
      'step_end',
    ]);
  });

  it('answers nonsense, strangers and unknown doors without falling over', async () => {
    expect(await post('/v2/pipeline', '{')).toMatchObject({ status: 400 });
    expect(await post('/v2/pipeline', { requests: [{ type: 'dance' }] })).toMatchObject({
      status: 400,
    });
    expect(await post('/v2/pipeline', { requests: [] }, 'guess')).toMatchObject({ status: 401 });
    expect(await post('/v9/pipeline', { requests: [] })).toMatchObject({ status: 404 });
    const huge = JSON.stringify({ requests: [], pad: 'x'.repeat(17 * 1024 * 1024) });
    expect(await post('/v2/pipeline', huge)).toMatchObject({ status: 413 });
    expect(await post('/v2/pipeline', { requests: [execute('SELECT 1')] })).toMatchObject({
      status: 200,
    });
  });
});
