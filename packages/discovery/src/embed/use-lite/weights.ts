import { type ByteSource, ByteStream } from './byte-stream.ts';
import { equal } from './bytes.ts';
import {
  GROUP_BYTES,
  GROUP_WEIGHTS,
  HEADER_BYTES,
  type Header,
  IMAGE_BYTES,
  imageDigest,
  readHeader,
  SECTIONS,
} from './image.ts';
import type { Kernel } from './kernel.ts';

/** Why weights cannot be used. */
export type WeightsFaultCode =
  | 'weights-unreadable'
  | 'weights-unknown'
  | 'weights-truncated'
  | 'weights-too-long'
  | 'weights-corrupt';

export type WeightsAnswer =
  | { readonly ok: true; readonly header: Header }
  | { readonly ok: false; readonly code: WeightsFaultCode; readonly detail: string };

/** Groups that pass through the staging area at once. */
const STAGED_GROUPS = 16_384;

/**
 * Streams a weight file into the kernel's memory: straight into the image what stands there as in
 * the file, through the staging area what is packed. The image is checked against the digest in
 * the header before anybody computes with it.
 */
export async function loadWeights(kernel: Kernel, source: ByteSource): Promise<WeightsAnswer> {
  if (kernel.imageBytes() !== IMAGE_BYTES) throw new TypeError('the module has another layout');
  const stream = new ByteStream(source);
  try {
    const answer = await fillImage(kernel, stream);
    if (!answer.ok) await stream.close();
    return answer;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ok: false, code: 'weights-unreadable', detail };
  }
}

async function fillImage(kernel: Kernel, stream: ByteStream): Promise<WeightsAnswer> {
  const head = new Uint8Array(HEADER_BYTES);
  const length = await stream.fill(head);
  if (length < HEADER_BYTES) return truncated(length, HEADER_BYTES);
  const header = readHeader(head);
  if (header === undefined) return fault('weights-unknown', 'not a use-lite weight file');
  const image = new Uint8Array(kernel.memory.buffer, kernel.imageAddress(), IMAGE_BYTES);
  let read = HEADER_BYTES;
  let at = 0;
  for (const { bytes, weights } of SECTIONS) {
    const target = image.subarray(at, at + bytes);
    const packed = weights && header.format === 'w4';
    read += packed ? await unpackInto(kernel, target, stream) : await stream.fill(target);
    at += bytes;
  }
  const whole = HEADER_BYTES + header.payload;
  if (read < whole) return truncated(read, whole);
  if ((await stream.fill(new Uint8Array(1))) > 0) {
    return fault('weights-too-long', `more than ${whole} bytes`);
  }
  if (!equal(await imageDigest(image), header.image)) {
    return fault('weights-corrupt', 'the weights do not have the digest in their header');
  }
  return { ok: true, header };
}

/** Expands packed weights into `target`; returns the bytes read. */
async function unpackInto(kernel: Kernel, target: Uint8Array, stream: ByteStream): Promise<number> {
  const staging = new Uint8Array(
    kernel.memory.buffer,
    kernel.stagingAddress(),
    STAGED_GROUPS * GROUP_BYTES,
  );
  let read = 0;
  for (let done = 0; done < target.length; ) {
    const groups = Math.min(STAGED_GROUPS, (target.length - done) / GROUP_WEIGHTS);
    const got = await stream.fill(staging.subarray(0, groups * GROUP_BYTES));
    read += got;
    if (got < groups * GROUP_BYTES) return read;
    kernel.unpack(groups, target.byteOffset + done);
    done += groups * GROUP_WEIGHTS;
  }
  return read;
}

function truncated(read: number, whole: number): WeightsAnswer {
  return fault('weights-truncated', `${read} bytes of ${whole}`);
}

function fault(code: WeightsFaultCode, detail: string): WeightsAnswer {
  return { ok: false, code, detail };
}
