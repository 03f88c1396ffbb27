import { createVerifier } from '@zerostate/shared';
import { afterAll, expect, test } from 'vitest';
import { connect } from '../client/connect.ts';
import { startEdge, TEST_NETWORK } from '../testing/edge.ts';
import { testExecutor } from '../testing/executor.ts';
import { handClock, signerOf, unwrap } from '../testing/parties.ts';
import { createInProcessRerun } from '../verify/rerun.ts';
import { decodeBundle, encodeBundle, type ReceiptBundle } from './bundle.ts';
import { verifyReceipt } from './verify-receipt.ts';

const edge = await startEdge([await testExecutor(TEST_NETWORK, await signerOf('executor'))]);
const client = unwrap(await connect(edge.url, await signerOf('caller'), { clock: handClock() }));
afterAll(async () => {
  await client.close();
  await edge.stop();
});
const { bundle } = unwrap(await client.run({ query: 'hello', budget: 1_000_000n }));
const module = [...edge.blobs.values()][0];
const whole: ReceiptBundle = {
  ...bundle,
  module: { ...bundle.module, ...(module === undefined ? {} : { bytes: module }) },
};

const offline = {
  network: TEST_NETWORK,
  verifier: createVerifier(),
  rerun: createInProcessRerun(),
};
const read = (changed: unknown) => unwrap(decodeBundle(JSON.stringify(changed)));
const file = (value: ReceiptBundle = whole) => JSON.parse(encodeBundle(value));

test('a bundle with its bytes proves itself without any edge', async () => {
  const verdict = await verifyReceipt(read(file()), offline);
  expect(verdict).toMatchObject({ verdict: 'valid', receipt: { body: { status: 'ok' } } });
  expect(verdict.checked).toEqual(['signatures', 'terms', 'price', 'hashes', 're-run']);
});

test('missing bytes are fetched by their hash, or named where nobody has them', async () => {
  const lean = read(file(bundle));
  expect(await client.verifyReceipt(lean)).toMatchObject({ verdict: 'valid' });
  expect(await verifyReceipt(lean, offline)).toMatchObject({
    verdict: 'indeterminate',
    reason: 'module: bytes are missing',
  });
});

type File = ReturnType<typeof file>;
test.each<[string, (value: File) => void, string]>([
  [
    'receipt',
    (f) => {
      f.receipt.body.gas = '1';
    },
    'receipt: signature-invalid',
  ],
  [
    'manifest',
    (f) => {
      f.manifest.body.gas_max = '1';
    },
    'manifest: signature-invalid',
  ],
  [
    'cond',
    (f) => {
      f.cond.body.cap = '1';
    },
    'cond: signature-invalid',
  ],
  [
    'module',
    (f) => {
      f.module.bytes = 'AGFzbQEAAAA';
    },
    'module: bytes have another hash',
  ],
  [
    'output',
    (f) => {
      f.output = 'NDM';
    },
    'output: bytes have another hash',
  ],
])('a bundle with a changed %s is invalid, and says so', async (_, change, reason) => {
  const changed = file();
  change(changed);
  const verdict = await verifyReceipt(read(changed), offline);
  expect(verdict.verdict).toBe('invalid');
  expect(verdict.reason).toContain(reason);
});

test('a receipt of another network is not a receipt here', async () => {
  const verdict = await verifyReceipt(read(file()), { ...offline, network: 'zs-aaaaaaaaaaaaaaaa' });
  expect(verdict).toMatchObject({ verdict: 'invalid' });
});

test('an executor that signed a wrong result is found out by the run itself', async () => {
  const liar = await testExecutor(TEST_NETWORK, await signerOf('liar'), {
    behaviour: { lie: (receipt) => ({ ...receipt, status: 'exit:3' }) },
  });
  const lying = await startEdge([liar]);
  const other = unwrap(await connect(lying.url, await signerOf('caller'), { clock: handClock() }));
  const { bundle: bad } = unwrap(
    await other.run({ query: 'hello', budget: 1_000_000n, verify: 'never' }),
  );
  const verdict = await verifyReceipt(read(file({ ...bad, module: whole.module })), offline);
  expect(verdict).toMatchObject({ verdict: 'invalid' });
  expect(verdict.reason).toContain('status-differs');
  await other.close();
  await lying.stop();
});

test.each([
  ['', 'not JSON'],
  ['[]', 'module'],
  ['{"module":{"sha256":"x"},"receipt":1}', 'receipt'],
])('a file that is no bundle is refused with the member that is wrong: %s', (text, detail) => {
  expect(decodeBundle(text)).toEqual({ ok: false, code: 'bundle-invalid', detail });
});
