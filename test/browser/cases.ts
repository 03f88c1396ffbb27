/** Receipts made by Node, honest and falsified, in a form that a page can fetch. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  admit,
  type CheckedManifest,
  type CheckedReceipt,
  callOf,
  limitsOf,
  METER,
  run,
} from '@zerostate/runtime';
import { connect, encodeBundle } from '@zerostate/sdk';
import { digestSha256, encodeBase64url, priceOf, sha256Base64url } from '@zerostate/shared';
import { buildModule, call, get, I32, i32 } from '../../packages/runtime/test/module-builder.ts';
import { startEdge, TEST_NETWORK } from '../../packages/sdk/src/testing/edge.ts';
import { testExecutor } from '../../packages/sdk/src/testing/executor.ts';
import { handClock, signerOf, unwrap } from '../../packages/sdk/src/testing/parties.ts';

/** A receipt without its signatures; bytes in base64url. */
export interface PlainCase {
  readonly name: string;
  readonly receipt: CheckedReceipt;
  readonly manifest: CheckedManifest;
  readonly module: string;
  readonly input: string;
}

/** A bundle file as a caller keeps it. */
export interface SignedCase {
  readonly name: string;
  readonly network: string;
  readonly bundle: string;
}

export interface Cases {
  readonly plain: readonly PlainCase[];
  readonly signed: readonly SignedCase[];
}

const TASK = sha256Base64url(new TextEncoder().encode('a task for a browser'));
const PRICE = { base: 100n, perMgas: 20n, perPage: 1n, max: 1_000_000n };
/** `work` divides by zero behind a loop; `deep` calls itself until its stack is spent. */
const LOOP = [0x03, 0x40, get(0), i32(1), 0x6a, 0x22, 0, i32(70_000), 0x48, 0x0d, 0, 0x0b];
const ENDINGS = buildModule({
  functions: [
    { locals: [I32], code: [LOOP, i32(1), i32(0), 0x6d, 0x1a], export: 'work' },
    { code: call(1), export: 'deep' },
  ],
});

/** A program, the call to make of it, and how it ends. */
interface Program {
  readonly name: string;
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly call: { abi: 'wasi' | 'call'; fn: string; args: string[] };
  readonly input: string;
  readonly status: string;
}

function agent(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    readFileSync(join(import.meta.dirname, `../../agents/${name}/${name}.wasm`)),
  );
}

function wasi(name: string, args: string[], input: string): Program {
  const call = { abi: 'wasi', fn: '', args } as const;
  return { name, wasm: agent(name), call, input, status: 'ok' };
}

function ending(fn: string, status: string): Program {
  return { name: fn, wasm: ENDINGS, call: { abi: 'call', fn, args: [] }, input: '', status };
}

const PROGRAMS: readonly Program[] = [
  wasi('digest', ['sha256'], 'abc'.repeat(5_000)),
  wasi('mandelbrot', ['size=90x70', 'iterations=300'], ''),
  ending('work', 'trap:divide-by-zero'),
  ending('deep', 'stack-limit'),
];

async function runInNode(program: Program): Promise<PlainCase> {
  const { name, wasm, call: asked } = program;
  const input = new TextEncoder().encode(program.input);
  const manifest: CheckedManifest = {
    ...asked,
    module: sha256Base64url(wasm),
    input: sha256Base64url(input),
    gas_max: '2000000000',
    pages_max: '256',
    wall_ms_max: '30000',
    output_max: '1000000',
    price_base: String(PRICE.base),
    price_per_mgas: String(PRICE.perMgas),
    price_per_page: String(PRICE.perPage),
    price_max: String(PRICE.max),
    meter: METER,
  };
  const admitted = await admit(wasm);
  if (!admitted.ok) throw new Error(`${name}: ${admitted.detail}`);
  const result = await run(admitted.module, callOf(manifest, input), limitsOf(manifest), TASK);
  if (!result.ok) throw new Error(`${name}: ${result.detail}`);
  const { status, output, gas, pagesPeak } = result.outcome;
  if (status !== program.status) throw new Error(`${name} ended with ${status}`);
  const receipt: CheckedReceipt = {
    task: TASK,
    status,
    output: await digestSha256(output),
    output_len: String(output.length),
    gas: String(gas),
    pages_peak: String(pagesPeak),
    price: String(priceOf(PRICE, { gas, pagesPeak: BigInt(pagesPeak) })),
  };
  return { name, receipt, manifest, module: encodeBase64url(wasm), input: encodeBase64url(input) };
}

/** The receipt of a run, with one more unit of gas and with the output of another run. */
function falsify({ receipt, ...rest }: PlainCase): PlainCase[] {
  const gas = String(BigInt(receipt.gas) + 1n);
  const output = sha256Base64url(new TextEncoder().encode('another output'));
  return [
    { ...rest, name: `${rest.name}, gas`, receipt: { ...receipt, gas } },
    { ...rest, name: `${rest.name}, output`, receipt: { ...receipt, output } },
  ];
}

/** A task bought over HTTP: its bundle, and the same with a digit of the gas changed. */
async function buyTask(): Promise<SignedCase[]> {
  const edge = await startEdge([await testExecutor(TEST_NETWORK, await signerOf('executor'))]);
  const client = unwrap(await connect(edge.url, await signerOf('caller'), { clock: handClock() }));
  const { bundle } = unwrap(await client.run({ query: 'hello', budget: 1_000_000n }));
  await client.close();
  const [bytes] = edge.blobs.values();
  await edge.stop();
  if (bytes === undefined) throw new Error('the module was not published');
  const whole = encodeBundle({ ...bundle, module: { ...bundle.module, bytes } });
  const { body } = bundle.receipt;
  const more = { ...body, gas: String(BigInt(body.gas) + 1n) };
  const forged = encodeBundle({
    ...bundle,
    module: { ...bundle.module, bytes },
    receipt: { ...bundle.receipt, body: more },
  });
  return [
    { name: 'bought', network: TEST_NETWORK, bundle: whole },
    { name: 'forged', network: TEST_NETWORK, bundle: forged },
  ];
}

/** Honest and falsified receipts of each program, and of one task that was paid for. */
export async function makeCases(): Promise<Cases> {
  const honest: PlainCase[] = [];
  for (const program of PROGRAMS) honest.push(await runInNode(program));
  return { plain: honest.flatMap((one) => [one, ...falsify(one)]), signed: await buyTask() };
}
