import { connect, createServer, type Socket } from 'node:net';
import { defaultCrypto } from '@libp2p/noise/crypto';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { addressOf, TestMesh } from '../../testing/nodes.ts';
import { rememberingKeys } from './noise-cipher.ts';

const TASK = 'A'.repeat(43);
const mesh = new TestMesh();
const ends: (() => void)[] = [];
afterEach(async () => {
  await mesh.stop();
  for (const end of ends.splice(0)) end();
});

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const sealed = fc.record({
  text: fc.uint8Array({ maxLength: 2_000, size: 'max' }),
  nonce: bytes(12),
  ad: fc.uint8Array({ maxLength: 32 }),
  key: bytes(32),
});

const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');

test('what noise seals it opens, and the other way round', () => {
  const own = rememberingKeys();
  fc.assert(
    fc.property(sealed, ({ text, nonce, ad, key }) => {
      const ours = own.chaCha20Poly1305Encrypt(text, nonce, ad, key).slice();
      const theirs = defaultCrypto.chaCha20Poly1305Encrypt(text, nonce, ad, key).slice();
      expect(hex(ours)).toBe(hex(theirs));
      expect(hex(own.chaCha20Poly1305Decrypt(theirs, nonce, ad, key).slice())).toBe(hex(text));
    }),
    // Two thousand bytes are not worth making smaller.
    { endOnFailure: true },
  );
});

test('a frame that was changed is refused', () => {
  const own = rememberingKeys();
  fc.assert(
    fc.property(sealed, fc.nat(), ({ text, nonce, ad, key }, at) => {
      const cipher = own.chaCha20Poly1305Encrypt(text, nonce, ad, key).slice();
      cipher[at % cipher.length] = 255 - (cipher[at % cipher.length] ?? 0);
      expect(() => own.chaCha20Poly1305Decrypt(cipher, nonce, ad, key)).toThrow();
    }),
    // Two thousand bytes are not worth making smaller.
    { endOnFailure: true },
  );
});

/** An address at which `node` is reached through a cable that carries a byte at a time. */
async function slowlyTo(address: string): Promise<string> {
  const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1]);
  const carry = (from: Socket, to: Socket) => {
    from.setNoDelay(true);
    from.on('data', (data) => {
      for (const byte of data) to.write(Uint8Array.of(byte));
    });
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    ends.push(() => from.destroy());
  };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    carry(near, far);
    carry(far, near);
  });
  ends.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return address.replace(`/tcp/${port}`, `/tcp/${bound.port}`);
}

test('frames that come in pieces of any size are read whole', async () => {
  const [from, to] = [await mesh.node(), await mesh.node()];
  to.tasks.handle('task.cancel', async ({ body }) => {
    return {
      ok: true,
      value: {
        message: { type: 'task.progress', body: { task: TASK, gas: '1' } },
        body: body.toReversed(),
      },
    };
  });
  const connected = await from.connect(await slowlyTo(addressOf(to)), 20_000);
  expect(connected).toMatchObject({ ok: true });
  const body = Uint8Array.from({ length: 3_000 }, (_, n) => n % 251);
  const message = { type: 'task.cancel', body: { task: TASK } } as const;
  const answered = await from.tasks.ask(to.did, message, { body, withinMs: 20_000 });
  if (!answered.ok) throw new Error(answered.code);
  expect(answered.value.body).toEqual(body.toReversed());
});
