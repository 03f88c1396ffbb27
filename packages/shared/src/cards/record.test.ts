import { describe, expect, test } from 'vitest';
import type { CardRecord } from '../messages/card.ts';
import {
  agentName,
  cardHash,
  checkCardRecord,
  checkRecord,
  compareRecords,
  isLiveRecord,
} from './record.ts';

const card = { name: 'Digest', signatures: [{ protected: 'p', signature: 's' }] };
const record: CardRecord = {
  did: 'did:key:z6Mk',
  agent: 'digest',
  seq: '7',
  issued_at: '100000',
  expires_at: '200000',
  card_sha256: cardHash(card),
  revoked: 'false',
};

describe('a card record', () => {
  test.each([
    ['in its period', record, 150_000, 'ok'],
    ['issued a minute ahead', record, 40_000, 'ok'],
    ['issued more than a minute ahead', record, 39_999, 'record-from-future'],
    ['in its last millisecond', record, 199_999, 'ok'],
    ['at its end', record, 200_000, 'record-expired'],
    ['that ends before it starts', { ...record, expires_at: '100000' }, 150_000, 'record-period'],
  ])('%s: %s', (_, checked, now, expected) => {
    const result = checkRecord(checked, now);
    expect(result.ok ? 'ok' : result.code).toBe(expected);
  });

  test('names one card with its signatures, to the byte', () => {
    expect(checkCardRecord(record, card, 150_000).ok).toBe(true);
    expect(checkCardRecord(record, { ...card, name: 'digest' }, 150_000)).toMatchObject({
      code: 'record-hash',
    });
    expect(checkCardRecord(record, { ...card, signatures: [] }, 150_000)).toMatchObject({
      code: 'record-hash',
    });
    expect(checkCardRecord(record, card, 200_000)).toMatchObject({ code: 'record-expired' });
    expect(cardHash({ b: 1, a: 2 })).toBe(cardHash({ a: 2, b: 1 }));
  });

  test.each([
    ['the first', null, record, 'newer'],
    ['a higher seq', record, { ...record, seq: '10' }, 'newer'],
    [
      'a lower seq, though the longer text',
      { ...record, seq: '9' },
      { ...record, seq: '8' },
      'stale',
    ],
    ['9 against 10', { ...record, seq: '10' }, { ...record, seq: '9' }, 'stale'],
    ['the same again', record, { ...record }, 'same'],
    ['another card under the same seq', record, { ...record, card_sha256: 'x' }, 'equivocation'],
    [
      'a revocation under the same seq',
      record,
      { ...record, revoked: 'true' as const },
      'equivocation',
    ],
    [
      'a longer life under the same seq',
      record,
      { ...record, expires_at: '300000' },
      'equivocation',
    ],
  ])('%s', (_, held, incoming, expected) => {
    expect(compareRecords(held, incoming)).toBe(expected);
  });

  test('of another agent has no order to this one', () => {
    expect(() => compareRecords(record, { ...record, agent: 'other' })).toThrow(RangeError);
    expect(() => compareRecords(record, { ...record, did: 'other' })).toThrow(RangeError);
  });

  test('is offered while it lives and is not revoked', () => {
    expect(isLiveRecord(record, 150_000)).toBe(true);
    expect(isLiveRecord(record, 200_000)).toBe(false);
    expect(isLiveRecord({ ...record, revoked: 'true' }, 150_000)).toBe(false);
    expect(agentName(record)).toBe('did:key:z6Mk#digest');
  });
});
