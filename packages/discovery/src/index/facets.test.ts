import { expect, test } from 'vitest';
import { countBits, hasBit } from './bitmap.ts';
import { Facets } from './facets.ts';

const CARDS = 3_000;

test('a value that thousands of cards have is found on the next card too', () => {
  const facets = new Facets();
  for (let slot = 0; slot < CARDS; slot++) facets.add('region', ['eu'], slot);
  expect(countBits(facets.slotsWith('region', 'EU', CARDS))).toBe(CARDS);
  facets.add('region', ['us'], CARDS);
  facets.add('region', ['eu'], CARDS + 1);
  const bits = facets.slotsWith('region', 'eu', CARDS + 2);
  expect([CARDS - 1, CARDS, CARDS + 1].map((slot) => hasBit(bits, slot))).toEqual([
    true,
    false,
    true,
  ]);
  expect(countBits(facets.slotsWith('region', 'eu', CARDS + 64))).toBe(CARDS + 1);
});

test('more common values than are kept are all answered', () => {
  const facets = new Facets();
  const values = Array.from({ length: 70 }, (_, i) => `tag-${i}`);
  for (let slot = 0; slot < 1_100; slot++) facets.add('tags', values, slot);
  for (const value of [...values, ...values]) {
    expect(countBits(facets.slotsWith('tags', value, 1_100))).toBe(1_100);
  }
});
