/**
 * What somebody who installed the packages would write first. The same file runs on Node, Bun and
 * Deno: it runs a module, signs an envelope and asks an index, and prints what came of it.
 */
import { readFile } from 'node:fs/promises';
import { CardIndex, cardText, Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadEncoder } from '@zerostate/discovery/encoder/load';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { admit, run } from '@zerostate/runtime';
import { createEdgeClient, parseUnits } from '@zerostate/sdk';
import {
  createSigner,
  createVerifier,
  openEnvelope,
  paychVoucherSchema,
  sealEnvelope,
} from '@zerostate/shared';

const [, , wasm = ''] = process.argv;
const NETWORK = 'zs-test';

async function runHello() {
  const admitted = await admit(new Uint8Array(await readFile(wasm)));
  if (!admitted.ok) return admitted;
  const call = { abi: 'call', fn: 'hello', args: [] };
  const limits = { gasMax: 1_000_000n, pagesMax: 16, wallMsMax: 1_000, outputMax: 4_096 };
  const result = await run(admitted.module, call, limits, 'a task');
  if (!result.ok) return result;
  const { status, output, gas } = result.outcome;
  return { status, output: new TextDecoder().decode(output), gas: String(gas) };
}

async function signAndVerify() {
  const signer = await createSigner(new Uint8Array(32).fill(7));
  const body = { ch: 'A'.repeat(43), dir: 'a', lane: '0', cum: '1', memo: '' };
  const envelope = await sealEnvelope(NETWORK, 'paych.voucher', body, signer);
  const open = (raw) => {
    const by = { by: [signer.did] };
    return openEnvelope(NETWORK, raw, paychVoucherSchema, 'paych.voucher', createVerifier(), by);
  };
  const good = await open(envelope);
  const forged = await open({ ...envelope, body: { ...body, cum: '2' } });
  return { did: signer.did, good: good.ok, forged: forged.ok };
}

function card(agent, name, description) {
  return {
    key: `did#${agent}`,
    did: 'did',
    agent,
    name,
    description,
    tags: [],
    skills: [],
    regions: [],
    price: { base: 1n, perMgas: 1n, perPage: 1n },
    cardSha256: '',
    expiresAt: Number.MAX_SAFE_INTEGER,
  };
}

async function rankCards() {
  const module = await loadInt8Hnsw();
  const engine = (dims, capacity) => new Int8Hnsw({ module, dims, capacity });
  const loaded = await loadEncoder('w8');
  if (!loaded.ok) return loaded;
  const { encoder } = loaded;
  const index = new CardIndex({ embedder: ngramHash384, engine, semantic: encoder });
  const cards = [
    card('sudoku', 'Sudoku solver', 'Solves sudoku puzzles'),
    card('thumbnail', 'PNG thumbnail', 'Scales a picture down'),
  ];
  await index.upsertAll(cards);
  await index.attach(
    cards.map((each) => ({
      key: each.key,
      cardSha256: each.cardSha256,
      vectors: encoder.vectors(cardText(each)),
    })),
  );
  const signals = Object.assign(() => ({ online: true, score: 0.5, tasks: 1 }), { version: 1 });
  const ask = async (text) => {
    const found = await index.search({ text, k: 2, now: 0 }, signals);
    return found.ok ? found.results.map(({ agent }) => agent) : found;
  };
  // The second request shares no word with its card.
  return [await ask('solve a sudoku'), await ask('make my photos smaller')];
}

async function askNobody() {
  const answer = await createEdgeClient({ url: 'http://127.0.0.1:9' }).network();
  return { code: answer.ok ? '' : answer.code, units: String(parseUnits('1.5').value) };
}

const came = {
  hello: await runHello(),
  envelope: await signAndVerify(),
  ranked: await rankCards(),
  sdk: await askNobody(),
};
console.log(JSON.stringify(came));
