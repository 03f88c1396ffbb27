import { digestSha256, encodeBase64url, err, ok, type TaskManifest } from '@zerostate/shared';
import { expect, test } from 'vitest';
import { readInput } from './read-offer.ts';

const bytes = new Uint8Array([1, 2, 3]);
const asked = async (changes: Partial<TaskManifest> = {}): Promise<TaskManifest> =>
  ({ abi: 'wasi', input: await digestSha256(bytes), input_len: '3', ...changes }) as TaskManifest;
const nothing = () => Promise.resolve(err('not-found'));

test('an input that is not inline is fetched by its hash', async () => {
  const fetched: string[] = [];
  const manifest = await asked();
  const read = await readInput(undefined, manifest, (hash) => {
    fetched.push(hash);
    return Promise.resolve(ok(bytes));
  });
  expect(read).toEqual(ok(bytes));
  expect(fetched).toEqual([manifest.input]);
});

test('an input that is not what the manifest names is never run', async () => {
  const manifest = await asked();
  const other = new Uint8Array([1, 2, 4]);
  const inline = encodeBase64url(other);
  expect(await readInput(inline, manifest, nothing)).toMatchObject({ code: 'input-wrong' });
  const lie = () => Promise.resolve(ok(other));
  expect(await readInput(undefined, manifest, lie)).toMatchObject({ code: 'input-wrong' });
  const short = await asked({ input_len: '2' });
  expect(await readInput(encodeBase64url(bytes), short, nothing)).toMatchObject({
    detail: 'input_len',
  });
});

test('an input that the edge does not give is a reject, not a run without it', async () => {
  expect(await readInput(undefined, await asked(), nothing)).toEqual(
    err('input-unavailable', 'not-found'),
  );
});
