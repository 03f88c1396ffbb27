/** What the stock runtime says about one text. */
export interface StockAnswer {
  readonly ids: readonly number[];
  /** 512 components as int16, 32 767 is 1, little-endian in base64. */
  readonly sentence: string;
}

const ONE = 32_767;

export function packSentence(components: readonly number[]): string {
  const bytes = new Uint8Array(2 * components.length);
  const view = new DataView(bytes.buffer);
  components.forEach((value, i) => {
    view.setInt16(2 * i, Math.round(value * ONE), true);
  });
  return btoa(String.fromCharCode(...bytes));
}

export function unpackSentence(packed: string): Float64Array {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float64Array.from(
    { length: bytes.length / 2 },
    (_, i) => view.getInt16(2 * i, true) / ONE,
  );
}

export function cosine(left: ArrayLike<number>, right: ArrayLike<number>): number {
  let dot = 0;
  let lefts = 0;
  let rights = 0;
  for (let i = 0; i < left.length; i++) {
    const a = left[i] ?? 0;
    const b = right[i] ?? 0;
    dot += a * b;
    lefts += a * a;
    rights += b * b;
  }
  return dot / Math.sqrt(lefts * rights);
}
