import { describe, expect, test } from 'vitest';
import { embedNgrams } from '../src/embed/ngram-hash.ts';
import { bitmapFor, countBits, setBit } from '../src/index/bitmap.ts';
import { calibrateBreadth } from '../src/index/calibrate.ts';
import { cardText } from '../src/index/document.ts';
import { choosePlan, nearest } from '../src/index/planner.ts';
import { loadInt8Hnsw } from '../src/load.ts';
import { Int8Hnsw } from '../src/vector/int8-hnsw/engine.ts';
import { cardsOf, queriesOf, SETS } from './retrieval-sets.ts';

const DIMS = 384;
const DEEP = 200;
const QUERIES_MAX = 300;

describe('on real cards the graph finds the ten nearest', () => {
  test('without a filter, and through the planner with one', async () => {
    const cards = SETS.flatMap((set) => cardsOf(set));
    const module = await loadInt8Hnsw();
    const engine = new Int8Hnsw({ module, dims: DIMS, capacity: cards.length });
    for (const card of cards) engine.add(embedNgrams(cardText(card)));
    engine.link(cards.length);
    const all = bitmapFor(cards.length);
    for (let slot = 0; slot < cards.length; slot++) setBit(all, slot);
    const ef = calibrateBreadth(engine, all);
    const asked = SETS.flatMap((set) => queriesOf(set));
    const step = Math.ceil(asked.length / QUERIES_MAX);
    const queries = asked.filter((_, i) => i % step === 0).map(({ text }) => embedNgrams(text));
    for (const share of [1, 0.5, 0.1, 0.03, 0.01, 0.001]) {
      const allowed = bitmapFor(cards.length);
      for (let slot = 0; slot < cards.length; slot++) {
        if ((Math.imul(slot, 0x9e3779b1) >>> 0) / 2 ** 32 < share) setBit(allowed, slot);
      }
      const passing = countBits(allowed);
      const planned = choosePlan(engine, cards.length, passing, ef);
      const plans = share >= 0.5 ? (['graph', planned] as const) : [planned];
      for (const plan of plans) {
        let [hits, wanted] = [0, 0];
        for (const query of queries) {
          const exact = engine.scan(query, 10, allowed).slots;
          const [found] = nearest(engine, plan, query, DEEP, allowed, ef);
          hits += exact.filter((slot) => found?.slots.includes(slot)).length;
          wanted += exact.length;
        }
        console.log(`${cards.length} cards, ${share} pass, ${plan}: recall@10 ${hits / wanted}`);
        expect(hits / wanted).toBeGreaterThanOrEqual(0.95);
      }
    }
  });
});
