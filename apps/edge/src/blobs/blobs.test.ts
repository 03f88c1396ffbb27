import { BLOB_CHUNK_BYTES, digestSha256, utf8 } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MODULE, makePublication } from '../../test-support/documents.ts';
import { createEdgeWorld, type EdgeWorld, START } from '../../test-support/world.ts';

let world: EdgeWorld;
beforeEach(async () => {
  world = await createEdgeWorld();
});
afterEach(() => world.close());

async function codeOf(response: Response): Promise<string> {
  const problem: unknown = await response.json();
  const isProblem = typeof problem === 'object' && problem !== null && 'code' in problem;
  return isProblem ? String(problem.code) : `status ${response.status}`;
}

async function put(bytes: Uint8Array<ArrayBuffer>, signer = world.alice, hash?: string) {
  const path = `/v1/blobs/${hash ?? (await digestSha256(bytes))}`;
  return { path, response: await world.call('PUT', path, { bytes, signer }) };
}

describe('a blob', () => {
  test.each([0, 1, BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES + 1, 3 * BLOB_CHUNK_BYTES])(
    'of %i bytes comes back as it was put',
    async (length) => {
      await world.fund(world.alice);
      const bytes = new Uint8Array(length).map((_, i) => i % 251);
      const { path, response } = await put(bytes);
      expect(response.status).toBe(201);
      const back = await world.call('GET', path, { signer: world.alice });
      expect(back.headers.get('content-length')).toBe(String(length));
      expect(new Uint8Array(await back.arrayBuffer())).toEqual(bytes);
    },
  );

  test('that was put before is not stored twice', async () => {
    await world.fund(world.alice);
    await put(utf8('same'));
    expect((await put(utf8('same'))).response.status).toBe(200);
  });

  test('does not exist for strangers', async () => {
    await world.fund(world.alice);
    const { path } = await put(utf8('mine'));
    expect((await world.call('GET', path)).status).toBe(404);
    expect((await world.call('GET', path, { signer: world.bob })).status).toBe(404);
  });

  test('that another DID put becomes readable by putting the same bytes', async () => {
    await world.fund(world.alice);
    await world.fund(world.bob);
    const { path } = await put(utf8('known to both'));
    await put(utf8('known to both'), world.bob);
    expect((await world.call('GET', path, { signer: world.bob })).status).toBe(200);
  });
});

describe('a blob is refused', () => {
  test('under another hash', async () => {
    await world.fund(world.alice);
    const { response } = await put(utf8('these bytes'), world.alice, MODULE);
    expect([response.status, await codeOf(response)]).toEqual([422, 'blob-hash-wrong']);
  });

  test('without money', async () => {
    const { response } = await put(utf8('free'));
    expect([response.status, await codeOf(response)]).toEqual([403, 'account-unfunded']);
  });

  test('without a signature', async () => {
    const bytes = utf8('unsigned');
    const response = await world.call('PUT', `/v1/blobs/${await digestSha256(bytes)}`, { bytes });
    expect([response.status, await codeOf(response)]).toEqual([401, 'signature-missing']);
  });

  test('over 8 MiB, whatever its length says', async () => {
    const large = { 'content-length': String(8 * 1_048_576 + 1) };
    const path = `/v1/blobs/${MODULE}`;
    const announced = await world.call('PUT', path, { bytes: utf8('x'), headers: large });
    expect(announced.status).toBe(413);
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(1_048_576));
      },
    });
    const init = { method: 'PUT', body, duplex: 'half' };
    const request = new Request(`http://edge.test${path}`, init);
    expect((await world.app.fetch(request, {})).status).toBe(413);
    expect(pulled).toBeLessThan(12);
  });
});

describe('in time', () => {
  const sweep = () => world.sweep();

  test('a blob that nothing needs goes after a day, with its bytes', async () => {
    await world.fund(world.alice);
    const { path } = await put(utf8('for a day'));
    await world.pass(86_400_000 - 1);
    await sweep();
    expect((await world.call('GET', path, { signer: world.alice })).status).toBe(200);
    await world.pass(2);
    await sweep();
    expect((await world.call('GET', path, { signer: world.alice })).status).toBe(404);
    const [left] = await world.directory.read({
      sql: 'SELECT COUNT(*) AS n FROM blob_chunk',
      args: [],
    });
    expect(left?.n).toBe(0n);
  });

  test('a module stays, for anyone, while a live card names it', async () => {
    await world.fund(world.bob);
    const { path } = await put(utf8('module'), world.bob);
    expect((await world.call('GET', path)).status).toBe(404);
    const expires_at = String(START + 3 * 86_400_000);
    const json = await makePublication(world.network, world.bob, { now: world.now(), expires_at });
    await world.call('POST', '/v1/cards', { json });
    await world.pass(2 * 86_400_000);
    await sweep();
    const open = await world.call('GET', path);
    expect([open.status, open.headers.get('cache-control')]).toEqual([
      200,
      'public, max-age=31536000, immutable',
    ]);
    await world.pass(2 * 86_400_000);
    await sweep();
    expect((await world.call('GET', path, { signer: world.bob })).status).toBe(404);
  });
});
