import { createSigner } from '@zerostate/shared';
import { expect, test } from 'vitest';
import { createNativeSigner } from './native-signer.ts';

test('a native signer is the same identity with the same signatures', async () => {
  for (let n = 0; n < 100; n++) {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const message = crypto.getRandomValues(new Uint8Array(n));
    const [native, portable] = [await createNativeSigner(seed), await createSigner(seed)];
    expect(native.did).toBe(portable.did);
    expect(await native.sign(message), `seed ${seed}`).toEqual(await portable.sign(message));
  }
});
