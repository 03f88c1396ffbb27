/**
 * Builds one index for the search bench and keeps it with the CPU seconds it took:
 * `node bench/search-build.ts CONTENDER SIZE DIMS easy|hard`. A process of its own, so that
 * builds run side by side and leave no memory behind.
 */
import { keep } from './search-cache.ts';
import { CONTENDERS, indexName } from './search-contenders.ts';
import { clusteredVectors, datasetName } from './search-data.ts';

const [contender = '', size = '', dims = '', difficulty = ''] = process.argv.slice(2);
const kind = CONTENDERS[contender];
if (kind === undefined || (difficulty !== 'easy' && difficulty !== 'hard')) {
  throw new TypeError(`usage: search-build.ts CONTENDER SIZE DIMS easy|hard`);
}
const shape = { size: Number(size), dims: Number(dims), difficulty } as const;
const { base } = clusteredVectors(shape.size, shape.dims, difficulty, 0);
const name = indexName(contender, datasetName(shape));
const before = process.cpuUsage();
await kind.build(base, shape.dims, name);
const { user, system } = process.cpuUsage(before);
keep(`${name}.json`, JSON.stringify({ buildS: (user + system) / 1e6 }));
