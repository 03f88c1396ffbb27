/** Loads the snapshot in the file argv[2] argv[3] times; prints the CPU ms of each as JSON. */
import { readFileSync } from 'node:fs';
import { CardIndex, Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';

const CHUNK = 1 << 20;

const [, , file = '', times = '1'] = process.argv;
const bytes = readFileSync(file);
const module = await loadInt8Hnsw();
const engine = (dims: number, capacity: number) => new Int8Hnsw({ module, dims, capacity });

function* chunks(): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

const loads: { user: number; system: number }[] = [];
for (let i = 0; i < Number(times); i++) {
  const index = new CardIndex({ embedder: ngramHash384, engine });
  const before = process.cpuUsage();
  const answer = await index.restore([chunks()]);
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
  const { user, system } = process.cpuUsage(before);
  loads.push({ user: user / 1_000, system: system / 1_000 });
}
console.log(JSON.stringify(loads));
