/** RFC 9457 problem details, as every route answers a failure. */
import { z } from 'zod';

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  /** Stable: programs switch on it. */
  code: z.string(),
  requestId: z.string().optional(),
  /** The fields that were wrong, as JSON pointers. */
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  /** Of an inadmissible module: where in its bytes. */
  offset: z.number().int().optional(),
  retry_ms: z.number().int().optional(),
});
export type Problem = z.infer<typeof problemSchema>;
