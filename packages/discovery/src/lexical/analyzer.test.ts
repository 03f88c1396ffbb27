import { expect, test } from 'vitest';
import { termsOf } from './analyzer.ts';
import { stem } from './stemmer.ts';

const terms = (text: string) => termsOf(text, 16_384);

test('inflections of a word meet in one term', () => {
  // Pairs from the published vocabulary of the Porter stemmer.
  const published: Record<string, string> = {
    caresses: 'caress',
    ponies: 'poni',
    cats: 'cat',
    feed: 'feed',
    agreed: 'agre',
    plastered: 'plaster',
    motoring: 'motor',
    sing: 'sing',
    conflated: 'conflat',
    troubled: 'troubl',
    hopping: 'hop',
    falling: 'fall',
    filing: 'file',
    happy: 'happi',
    sky: 'sky',
    relational: 'relat',
    conditional: 'condit',
    digitizer: 'digit',
    vietnamization: 'vietnam',
    hopefulness: 'hope',
    formalize: 'formal',
    electricity: 'electr',
    allowance: 'allow',
    replacement: 'replac',
    adoption: 'adopt',
    effective: 'effect',
    probate: 'probat',
    cease: 'ceas',
    controlling: 'control',
    rolling: 'roll',
  };
  for (const [word, expected] of Object.entries(published))
    expect([word, stem(word)]).toEqual([word, expected]);
});

test('politeness and articles do not enter the index', () => {
  expect(terms('Could you please show me the weather in my city?')).toEqual([
    'show',
    'weather',
    'citi',
  ]);
});

test('names of programs are taken apart where their authors joined them', () => {
  expect(terms('getCurrentWeather json_to_csv utf8')).toEqual([
    'get',
    'current',
    'weather',
    'json',
    'csv',
    'utf8',
  ]);
});

test('scripts without spaces are searchable by any part of a run', () => {
  expect(terms('東京都庁')).toEqual(['東京', '京都', '都庁']);
});

test('full-width, accents composed either way and case do not split a term', () => {
  expect(terms('ＣＳＶ cafe\u0301 CAFÉ')).toEqual(['csv', 'café', 'café']);
});

test('right-to-left text and marks keep their words', () => {
  expect(terms('مرحبا \u202eبالعالم\u202c שלום')).toEqual(['مرحبا', 'بالعالم', 'שלום']);
});

test('a megabyte of anything yields a bounded list', () => {
  for (const text of ['x '.repeat(500_000), '東'.repeat(1_000_000), '\ufdfa'.repeat(1_000_000)]) {
    expect(terms(text).length).toBeLessThanOrEqual(8_192);
  }
});
