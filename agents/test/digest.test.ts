import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { blake3 } from '@noble/hashes/blake3.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runAgent } from './agent-run.ts';

const oracles: Record<string, (data: Uint8Array) => string> = {
  sha256: (data) => createHash('sha256').update(data).digest('hex'),
  sha512: (data) => createHash('sha512').update(data).digest('hex'),
  blake3: (data) => Buffer.from(blake3(data)).toString('hex'),
  crc32: (data) => crc32(data).toString(16).padStart(8, '0'),
};

async function digest(args: readonly string[], data: Uint8Array): Promise<string> {
  const run = await runAgent('digest', args, data);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return run.stdout.toString();
}

describe.each(Object.keys(oracles))('%s', (algorithm) => {
  const expected = (data: Uint8Array) => `${oracles[algorithm]?.(data)}  -\n`;

  test('any bytes get the digest every other implementation gives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (data) => {
        expect(await digest([algorithm], data)).toBe(expected(data));
      }),
      { numRuns: 200 },
    );
  });

  test('every length around a block, a chunk and a piece of stdin is padded right', async () => {
    for (const edge of [0, 55, 64, 112, 128, 1024, 2048, 3072, 8192, 65536, 131072]) {
      for (const length of [edge - 1, edge, edge + 1]) {
        if (length < 0) continue;
        const data = Buffer.alloc(length, 'zero state ');
        expect(await digest([algorithm], data), `${length} bytes`).toBe(expected(data));
      }
    }
  });
});

test('published vectors: "abc" and the check value of CRC-32', async () => {
  expect(await digest(['sha256'], Buffer.from('abc'))).toMatch(/^ba7816bf8f01cfea4141/);
  expect(await digest(['sha512'], Buffer.from('abc'))).toMatch(/^ddaf35a193617abacc41/);
  expect(await digest(['blake3'], Buffer.alloc(0))).toMatch(/^af1349b9f5f9a1a6a040/);
  expect(await digest(['crc32'], Buffer.from('123456789'))).toBe('cbf43926  -\n');
});

test('SHA-256 is the default', async () => {
  expect(await digest([], Buffer.from('x'))).toBe(await digest(['sha256'], Buffer.from('x')));
});

test('an unknown algorithm is refused with the list of known ones', async () => {
  for (const args of [['md5'], [''], ['sha256', 'sha512']]) {
    const run = await runAgent('digest', args, 'x');
    expect(run.code).toBe(2);
    expect(run.stdout).toHaveLength(0);
    expect(run.stderr).toContain('sha256|sha512|blake3|crc32');
  }
});
