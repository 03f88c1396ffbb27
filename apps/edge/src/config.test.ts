import { encodeBase64url } from '@zerostate/shared';
import { describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';

const KEY = encodeBase64url(new Uint8Array(32).fill(1));
const DID = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
const GOOD = {
  LEDGER_URL: 'file:ledger.db',
  DIRECTORY_URL: 'https://directory.example',
  LEDGER_KEY: KEY,
  EDGE_KEY: KEY,
};

function mistakesOf(change: Record<string, string>): string[] {
  return readConfig({ ...GOOD, ...change }).mistakes.map(({ name }) => name);
}

test('what is needed is enough, and money is given out on loopback alone', () => {
  const read = readConfig(GOOD);
  expect(read).toMatchObject({ ok: true, value: { host: '127.0.0.1', port: 8787, faucet: true } });
  expect(readConfig({ ...GOOD, HOST: '0.0.0.0' })).toMatchObject({ value: { faucet: false } });
  const open = { NETWORK_KIND: 'open', ARBITERS: DID, ORIGINS: 'https://edge.example' };
  expect(readConfig({ ...GOOD, ...open })).toMatchObject({ value: { faucet: false } });
});

test('every mistake is named at once', () => {
  expect(readConfig({}).mistakes.map(({ name }) => name)).toEqual([
    'LEDGER_URL',
    'DIRECTORY_URL',
    'LEDGER_KEY',
    'EDGE_KEY',
  ]);
});

describe('a mistake is found in', () => {
  test.each<[string, Record<string, string>]>([
    ['PORT', { PORT: '65536' }],
    ['INDEX_STORE', { INDEX_STORE: 'rowz' }],
    ['INDEX_BUILD_S', { INDEX_BUILD_S: '-1' }],
    ['INDEX_DELTA', { INDEX_DELTA: '2001' }],
    ['SEMANTIC', { SEMANTIC: 'on' }],
    ['LEDGER_URL', { LEDGER_URL: 'postgres://x' }],
    ['LEDGER_KEY', { LEDGER_KEY: `${KEY.slice(1)}` }],
    ['ORIGINS', { ORIGINS: 'https://edge.example/' }],
    ['OPERATORS', { OPERATORS: `${DID},somebody` }],
    ['ARBITERS', { ARBITERS: 'x' }],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: 'proxy.local' }],
    ['NETWORK_KIND', { NETWORK_KIND: 'main' }],
    ['RATE_ADDRESS', { RATE_ADDRESS: '10' }],
    ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
    ['MIGRATE', { MIGRATE: 'yes' }],
  ])('%s', (name, change) => {
    expect(mistakesOf(change)).toEqual([name]);
  });

  test('an open network without arbiters and origins', () => {
    expect(mistakesOf({ NETWORK_KIND: 'open' })).toEqual(['ARBITERS', 'ORIGINS']);
  });
});

test('off loopback the rates are strict, and configuration moves them', () => {
  const far = readConfig({ ...GOOD, HOST: '0.0.0.0', RATE_DID: '7/9' });
  expect(far).toMatchObject({
    value: { rates: { address: { perSecond: 20, burst: 100 }, did: { perSecond: 7, burst: 9 } } },
  });
});
