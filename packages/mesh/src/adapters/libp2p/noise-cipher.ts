import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { type NoiseInit, noise } from '@libp2p/noise';
import { defaultCrypto } from '@libp2p/noise/crypto';

type NoiseCrypto = NonNullable<NoiseInit['crypto']>;

const CIPHER = 'chacha20-poly1305';
const TAG_BYTES = 16;
/** Below this, noise's WASM is done before Node has made a cipher. */
const SMALL_BYTES = 300;
/** Of a frame's length, and the most that it says. */
const LENGTH_BYTES = 2;
const FRAME_BYTES_MAX = 65_535;

/** Noise (Noise_XX_25519_ChaChaPoly_SHA256) as @libp2p/noise 17 has it, with two detours spared. */
export function quickNoise(): ReturnType<typeof noise> {
  const make = noise({ crypto: rememberingKeys() });
  return (components) => {
    const encrypter = make(components);
    for (const name of ['secureInbound', 'secureOutbound'] as const) {
      const secure = encrypter[name].bind(encrypter);
      const patient: typeof secure = async (connection, options) => {
        const secured = await secure(connection, options);
        waitForLengths(secured.connection);
        return secured;
      };
      Reflect.set(encrypter, name, patient);
    }
    return encrypter;
  };
}

/**
 * Node's cipher, told each key once. As it is, every frame hands Node 32 bytes, and Node takes
 * longer to see what they are than to encrypt 8 KiB with them.
 */
export function rememberingKeys(): NoiseCrypto {
  const keys = new WeakMap<Uint8Array, KeyObject>();
  const keyOf = (bytes: Uint8Array): KeyObject => {
    const known = keys.get(bytes);
    if (known !== undefined) return known;
    const key = createSecretKey(bytes);
    keys.set(bytes, key);
    return key;
  };
  return {
    ...defaultCrypto,
    chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
      if (plaintext.byteLength < SMALL_BYTES) {
        return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key);
      }
      const cipher = createCipheriv(CIPHER, keyOf(key), nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(ad, { plaintextLength: plaintext.byteLength });
      const pieces = plaintext instanceof Uint8Array ? [plaintext] : [...plaintext];
      const sealed = pieces.map((piece) => cipher.update(piece));
      return Buffer.concat([...sealed, cipher.final(), cipher.getAuthTag()]);
    },
    chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst) {
      if (ciphertext.byteLength < SMALL_BYTES) {
        return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst);
      }
      const whole = ciphertext.subarray();
      const text = whole.subarray(0, -TAG_BYTES);
      const decipher = createDecipheriv(CIPHER, keyOf(key), nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(ad, { plaintextLength: text.byteLength });
      decipher.setAuthTag(whole.subarray(-TAG_BYTES));
      const plain = decipher.update(text);
      // It throws where the tag is not the text's.
      decipher.final();
      return plain;
    },
  };
}

/**
 * As it is, each piece that arrives ends in an exception, thrown and caught, because the length of
 * the next frame is not there yet. Here that frame is taken to be as long as one can be.
 */
function waitForLengths(connection: object): void {
  const decoder: unknown = Reflect.get(connection, 'decoder');
  if (typeof decoder !== 'object' || decoder === null || !('lengthDecoder' in decoder)) {
    throw new Error('noise has no lengthDecoder where it had one');
  }
  decoder.lengthDecoder = (bytes: { byteLength: number; getUint16(at: number): number }) =>
    bytes.byteLength < LENGTH_BYTES ? FRAME_BYTES_MAX : bytes.getUint16(0);
}
