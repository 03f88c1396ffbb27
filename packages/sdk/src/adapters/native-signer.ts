import { createPrivateKey, sign } from 'node:crypto';
import { createSigner, encodeBase64url, publicKeyFromDid, type Signer } from '@zerostate/shared';

/**
 * The signer of a seed, of 32 bytes, by the runtime's own library without the way to WebCrypto's
 * thread and back. Ed25519 (RFC 8032) is deterministic: its signatures are those of `createSigner`.
 */
export async function createNativeSigner(seed: Uint8Array): Promise<Signer> {
  const { did } = await createSigner(seed);
  const publicKey = publicKeyFromDid(did);
  if (!publicKey.ok) throw new Error('a signer has the DID of its key');
  // RFC 8037 section 2.
  const jwk = {
    kty: 'OKP',
    crv: 'Ed25519',
    d: encodeBase64url(seed),
    x: encodeBase64url(publicKey.value),
  };
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return {
    did,
    sign: async (message) => new Uint8Array(sign(null, message, key)),
  };
}
