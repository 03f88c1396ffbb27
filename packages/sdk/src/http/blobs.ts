import { BLOB_BYTES_MAX, blobAnswerSchema, digestSha256, plainBytes } from '@zerostate/shared';
import { readBytes, readJson } from './answer.ts';
import { type EdgeResult, failure } from './outcome.ts';
import type { Transport } from './transport.ts';

type BlobOptions = { signal?: AbortSignal | undefined };

/** Stores bytes under their sha256, which is the answer. */
export async function putBlob(
  transport: Transport,
  bytes: Uint8Array,
  options: BlobOptions = {},
): Promise<EdgeResult<string>> {
  const hash = await digestSha256(bytes);
  const body = { bytes: plainBytes(bytes), type: 'application/octet-stream' };
  const path = `v1/blobs/${hash}`;
  const stored = await transport.send(
    { method: 'PUT', path, body, access: 'private', signal: options.signal },
    (response) => readJson(response, blobAnswerSchema),
  );
  return stored.ok ? { ok: true, value: hash } : stored;
}

/** Bytes by their sha256. Signed where there is a key: only modules are public. */
export function getBlob(
  transport: Transport,
  hash: string,
  options: BlobOptions = {},
): Promise<EdgeResult<Uint8Array<ArrayBuffer>>> {
  const path = `v1/blobs/${encodeURIComponent(hash)}`;
  return transport.send(
    { method: 'GET', path, access: 'signed', signal: options.signal },
    async (response) => {
      const bytes = await readBytes(response, BLOB_BYTES_MAX);
      if (bytes === null) return failure('edge-answer-invalid', `over ${BLOB_BYTES_MAX} bytes`);
      // The edge is a stranger: what it calls these bytes is worth nothing, their hash is.
      if ((await digestSha256(bytes)) !== hash) return failure('blob-hash-wrong', hash);
      return { ok: true, value: bytes };
    },
  );
}
