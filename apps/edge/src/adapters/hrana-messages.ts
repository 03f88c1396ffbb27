/**
 * Hrana 2 and 3 over HTTP in JSON: what a client sends and what it gets
 * (libsql: docs/HTTP_V2_SPEC.md, docs/HRANA_3_SPEC.md).
 */
import { Buffer } from 'node:buffer';
import { z } from 'zod';
import type { SqlValue } from '../ports.ts';

const value = z.discriminatedUnion('type', [
  z.object({ type: z.literal('null') }),
  z.object({ type: z.literal('integer'), value: z.string().regex(/^-?[0-9]{1,19}$/) }),
  z.object({ type: z.literal('float'), value: z.number() }),
  z.object({ type: z.literal('text'), value: z.string() }),
  z.object({ type: z.literal('blob'), base64: z.string() }),
]);
export type HranaValue = z.infer<typeof value>;

const statement = z.object({
  sql: z.string().nullish(),
  sql_id: z.number().int().nullish(),
  args: z.array(value).nullish(),
  named_args: z.array(z.object({ name: z.string(), value })).nullish(),
  want_rows: z.boolean().nullish(),
});
export type HranaStatement = z.infer<typeof statement>;

type Condition =
  | { type: 'ok' | 'error'; step: number }
  | { type: 'not'; cond: Condition }
  | { type: 'and' | 'or'; conds: Condition[] }
  | { type: 'is_autocommit' };
export type HranaCondition = Condition;
const condition: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z.object({ type: z.enum(['ok', 'error']), step: z.number().int().min(0) }),
    z.object({ type: z.literal('not'), cond: condition }),
    z.object({ type: z.enum(['and', 'or']), conds: z.array(condition) }),
    z.object({ type: z.literal('is_autocommit') }),
  ]),
);

/** Steps of one batch: a settlement of 500 lanes with its receipts stays below. */
const STEPS_MAX = 8_192;
const batch = z.object({
  steps: z.array(z.object({ condition: condition.nullish(), stmt: statement })).max(STEPS_MAX),
});
export type HranaBatch = z.infer<typeof batch>;

const sqlSource = { sql: z.string().nullish(), sql_id: z.number().int().nullish() };
const request = z.discriminatedUnion('type', [
  z.object({ type: z.literal('execute'), stmt: statement }),
  z.object({ type: z.literal('batch'), batch }),
  z.object({ type: z.literal('sequence'), ...sqlSource }),
  z.object({ type: z.literal('describe'), ...sqlSource }),
  z.object({ type: z.literal('store_sql'), sql_id: z.number().int(), sql: z.string() }),
  z.object({ type: z.literal('close_sql'), sql_id: z.number().int() }),
  z.object({ type: z.literal('get_autocommit') }),
  z.object({ type: z.literal('close') }),
]);
export type HranaRequest = z.infer<typeof request>;

export const pipelineBody = z.object({
  baton: z.string().nullish(),
  requests: z.array(request).max(1_024),
});
export const cursorBody = z.object({ baton: z.string().nullish(), batch });

export type HranaError = { message: string; code: string };
export type StatementResult = {
  cols: readonly { name: string; decltype: string | null }[];
  rows: HranaValue[][];
  affected_row_count: number;
  last_insert_rowid: string | null;
};
export type BatchResult = {
  step_results: (StatementResult | null)[];
  step_errors: (HranaError | null)[];
};

export function decodeValue(encoded: HranaValue): SqlValue {
  switch (encoded.type) {
    case 'null':
      return null;
    case 'integer':
      return BigInt(encoded.value);
    case 'float':
    case 'text':
      return encoded.value;
    case 'blob':
      return new Uint8Array(Buffer.from(encoded.base64, 'base64'));
  }
}

export function encodeValue(decoded: SqlValue): HranaValue {
  if (decoded === null) return { type: 'null' };
  if (typeof decoded === 'bigint') return { type: 'integer', value: String(decoded) };
  if (typeof decoded === 'number') return { type: 'float', value: decoded };
  if (typeof decoded === 'string') return { type: 'text', value: decoded };
  // Blobs travel without padding.
  return { type: 'blob', base64: Buffer.from(decoded).toString('base64').replace(/=+$/, '') };
}
