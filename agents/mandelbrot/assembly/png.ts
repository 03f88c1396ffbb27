// PNG (W3C, third edition) with an 8-bit palette: signature, IHDR, PLTE, IDAT, IEND.

import { writeFully } from '../../wasi/assembly/streams';
import { deflate } from './deflate';

const crcTable = new StaticArray<u32>(256);
for (let n: u32 = 0; n < 256; n++) {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >> 1) ^ 0xedb88320 : c >> 1;
  crcTable[n] = c;
}

function crc32(data: Uint8Array): u32 {
  let c: u32 = 0xffffffff;
  for (let i = 0; i < data.length; i++) c = (c >> 8) ^ crcTable[(c ^ data[i]) & 255];
  return ~c;
}

/** RFC 1950, section 8.2; 5552 is how many bytes the sums take before they overflow. */
function adler32(data: Uint8Array): u32 {
  let a: u32 = 1;
  let b: u32 = 0;
  for (let i = 0; i < data.length; ) {
    const end = min(i + 5552, data.length);
    for (; i < end; i++) {
      a += data[i];
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return (b << 16) | a;
}

function putBig32(bytes: Uint8Array, at: i32, value: u32): void {
  store<u32>(bytes.dataStart + at, bswap<u32>(value));
}

/** Length, type, data and CRC; `type` is four ASCII characters. */
function writeChunk(type: string, data: Uint8Array): void {
  const chunk = new Uint8Array(data.length + 12);
  putBig32(chunk, 0, data.length);
  for (let i = 0; i < 4; i++) chunk[4 + i] = <u8>type.charCodeAt(i);
  chunk.set(data, 8);
  putBig32(chunk, data.length + 8, crc32(chunk.subarray(4, data.length + 8)));
  writeFully(1, chunk.dataStart, chunk.length);
}

/** Writes an image whose `scanlines` each begin with their filter type, 0. */
export function writePng(width: i32, height: i32, palette: Uint8Array, scanlines: Uint8Array): void {
  const signature: StaticArray<u8> = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  writeFully(1, changetype<usize>(signature), signature.length);
  const header = new Uint8Array(13);
  putBig32(header, 0, width);
  putBig32(header, 4, height);
  header[8] = 8; // bit depth
  header[9] = 3; // indexed colour
  writeChunk('IHDR', header);
  writeChunk('PLTE', palette);
  const packed = deflate(scanlines);
  const zlib = new Uint8Array(packed.length + 6);
  zlib[0] = 0x78;
  zlib[1] = 0x9c;
  zlib.set(packed, 2);
  putBig32(zlib, packed.length + 2, adler32(scanlines));
  writeChunk('IDAT', zlib);
  writeChunk('IEND', new Uint8Array(0));
}
