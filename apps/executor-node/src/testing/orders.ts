import { z } from 'zod';

const dir = z.enum(['a', 'b']);
/** Money for the executor's own side: of its account, or of another channel. */
export const fundSchema = z.object({
  topup: z.object({ body: z.object({ dir, amount: z.string() }) }).optional(),
  roll: z.object({ body: z.object({ to_dir: dir, amount: z.string() }) }).optional(),
});

/** A claim, as far as the test edge reads it. */
export const claimSchema = z.object({
  cond: z.object({
    body: z.object({
      ch: z.string(),
      dir: z.enum(['a', 'b']),
      lane: z.string(),
      base: z.string(),
      cap: z.string(),
      task: z.string(),
      not_after: z.string(),
    }),
  }),
  receipt: z.object({ body: z.object({ price: z.string() }) }),
});
