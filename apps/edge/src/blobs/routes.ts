import { BLOB_BYTES_MAX, blobAnswerSchema, hashField } from '@zerostate/shared';
import { z } from 'zod';
import { fail } from '../http/problem.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { type BlobDeps, putBlob, readBlob } from './blobs.ts';

const params = z.strictObject({ sha256: hashField });

/** Uploads whose bytes one worker holds in memory at the same time. */
const UPLOADS_MAX = 16;

export function blobRoutes(deps: BlobDeps & RouterDeps): Router {
  const router = createRouter(deps);
  router.add(
    {
      method: 'put',
      path: '/v1/blobs/{sha256}',
      tag: 'blobs',
      summary: 'Keep bytes under their sha256',
      params,
      bytes: true,
      bodyBytesMax: BLOB_BYTES_MAX,
      signed: 'required',
      inFlightMax: UPLOADS_MAX,
      answers: {
        200: { description: 'These bytes were here already', schema: blobAnswerSchema },
        201: { description: 'Kept', schema: blobAnswerSchema },
      },
      failures: ['blob-hash-wrong', 'blob-quota', 'account-unfunded', 'body-too-large', 'busy'],
    },
    async (c, { params: { sha256 }, raw, signer }) => {
      const put = await putBlob(deps, signer, sha256, raw);
      if (!put.ok) return fail(c, put.code, put.detail);
      return c.json({ sha256, bytes: raw.length }, put.value.isNew ? 201 : 200);
    },
  );
  router.add(
    {
      method: 'get',
      path: '/v1/blobs/{sha256}',
      tag: 'blobs',
      summary: 'The bytes of a module, an input or an output',
      description: 'Modules of live cards are public; everything else needs a signed request.',
      params,
      signed: 'optional',
      answers: { 200: { description: 'The bytes', mediaType: 'application/octet-stream' } },
      failures: ['blob-unknown'],
    },
    async (c, { params: { sha256 }, signer }) => {
      const blob = await readBlob(deps, signer, sha256);
      if (!blob.ok) return fail(c, blob.code, blob.detail);
      const { bytes, isPublic, stream } = blob.value;
      return c.body(stream, 200, {
        'content-type': 'application/octet-stream',
        'content-length': String(bytes),
        'cache-control': isPublic ? 'public, max-age=31536000, immutable' : 'private, no-store',
        etag: `"${sha256}"`,
        'x-content-type-options': 'nosniff',
      });
    },
  );
  return router;
}
