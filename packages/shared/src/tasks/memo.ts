import { concat, decodeBase64url, sha256Base64url } from '../encoding/bytes.ts';

/** The memo of a lane on which nothing was paid. */
export const MEMO_EMPTY = '';

/**
 * Commits a voucher to one more receipt: memo_n = sha256(memo_{n-1} || receipt id || price).
 *
 * Bytes: the previous memo as its 32 raw bytes (none for MEMO_EMPTY), the receipt id as its 32
 * raw bytes, the price in micro-units as 8 bytes, big-endian. All parts have fixed length, so no
 * two histories share an encoding. After a claim posts, the memo of its lane is the claim's id.
 *
 * Throws `RangeError` when a memo or id is not 32 bytes of base64url or the price not a uint64.
 */
export function foldMemo(memo: string, receiptId: string, price: bigint): string {
  if (price < 0n || price >= 1n << 64n) throw new RangeError('price is not a uint64');
  const priceBytes = new Uint8Array(8);
  new DataView(priceBytes.buffer).setBigUint64(0, price);
  const previous = memo === MEMO_EMPTY ? new Uint8Array() : hashBytes(memo);
  return sha256Base64url(concat(previous, hashBytes(receiptId), priceBytes));
}

function hashBytes(text: string): Uint8Array {
  const bytes = decodeBase64url(text);
  if (!bytes.ok || bytes.value.length !== 32) throw new RangeError('not a hash of 32 bytes');
  return bytes.value;
}
