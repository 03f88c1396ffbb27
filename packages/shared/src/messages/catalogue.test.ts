import { describe, expect, test } from 'vitest';
import { INLINE_BYTES_MAX } from '../limits.ts';
import { edgeMessages, executorMessages } from './catalogue.ts';

const DID = `did:key:z6Mk${'1'.repeat(44)}`;
const envelope = { type: 'x', body: {}, sigs: [] };
const forward = edgeMessages['mesh.forward'];
const answer = executorMessages['mesh.answer'];
const offer = { manifest: envelope, cond: envelope };

describe('what travels through a gateway', () => {
  test.each([
    { to: DID, type: 'task.offer', body: { ...offer, input: 'AAAA' } },
    { to: DID, type: 'voucher.deliver', body: { voucher: envelope } },
    { to: DID, type: 'channel.proposal', body: { kind: 'open', envelope } },
  ])('to an executor is $type', (message) => {
    expect(forward.safeParse(message).success).toBe(true);
  });

  test.each([
    { from: DID, type: 'task.accept', body: { accept: envelope } },
    { from: DID, type: 'task.result', body: { receipt: envelope, output: '' } },
    { from: DID, type: 'channel.accept', body: { kind: 'close', envelope } },
  ])('back is $type', (message) => {
    expect(answer.safeParse(message).success).toBe(true);
  });

  test.each<[string, object]>([
    ['a cancel, which nobody signed here', { to: DID, type: 'task.cancel', body: { task: 'x' } }],
    [
      'itself',
      { to: DID, type: 'mesh.forward', body: { to: DID, type: 'task.offer', body: offer } },
    ],
    ['the body of another type', { to: DID, type: 'voucher.deliver', body: offer }],
    ['more than it says', { to: DID, type: 'task.offer', body: { ...offer, more: 1 } }],
    ['more beside it', { to: DID, type: 'task.offer', body: offer, more: 1 }],
    ['to nobody', { to: 'x', type: 'task.offer', body: offer }],
    [
      'more input than a message holds',
      {
        to: DID,
        type: 'task.offer',
        body: { ...offer, input: 'A'.repeat(Math.ceil((INLINE_BYTES_MAX * 4) / 3) + 1) },
      },
    ],
  ])('is never %s', (_, message) => {
    expect(forward.safeParse(message).success).toBe(false);
  });

  test.each<[string, object]>([
    [
      'a rejection, which nobody can check',
      { from: DID, type: 'task.reject', body: { task: 'x' } },
    ],
    ['a claim', { from: DID, type: 'claim.file', body: { cond: envelope, receipt: envelope } }],
    ['without its author', { type: 'task.accept', body: { accept: envelope } }],
  ])('comes back neither as %s', (_, message) => {
    expect(answer.safeParse(message).success).toBe(false);
  });
});
