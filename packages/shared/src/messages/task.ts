/** Signed bodies of a task's life (protocol.md, Task). */
import { z } from 'zod';
import {
  agentField,
  amountField,
  asciiField,
  codeField,
  countField,
  didField,
  hashField,
  laneField,
  millisField,
  nonceField,
  taskLaneField,
} from './fields.ts';

/** What the creator asks for and the most it pays; its id names the task. */
export const taskManifestSchema = z.strictObject({
  nonce: nonceField,
  creator: didField,
  executor: didField,
  agent: agentField,
  /** sha256 of the WASM module. */
  module: hashField,
  abi: z.enum(['wasi', 'call']),
  /** The exported function of ABI `call`; '' for `wasi`. */
  fn: z
    .string()
    .max(256)
    .regex(/^[\x20-\x7e]*$/),
  /** ABI `wasi`: arguments after args[0]. ABI `call`: decimal i32 or i64. */
  args: z.array(asciiField).max(64),
  /** sha256 of the input bytes; of no bytes for ABI `call`. */
  input: hashField,
  input_len: countField,
  gas_max: countField,
  pages_max: countField,
  wall_ms_max: millisField,
  output_max: countField,
  price_base: amountField,
  price_per_mgas: amountField,
  price_per_page: amountField,
  price_max: amountField,
  /** Names the cost table that the gas is counted with. */
  meter: z
    .string()
    .max(64)
    .regex(/^zsm[0-9]+-[A-Za-z0-9_-]{43}$/),
  not_after: millisField,
});
export type TaskManifest = z.infer<typeof taskManifestSchema>;

/** The executor binds itself to a deadline; only an accepted task can fail. */
export const taskAcceptSchema = z.strictObject({
  task: hashField,
  ch: hashField,
  lane: taskLaneField,
  deadline: millisField,
});
export type TaskAccept = z.infer<typeof taskAcceptSchema>;

/** ok | exit:N | trap:kind | out-of-gas | stack-limit | memory-limit | output-limit (execution.md). */
export const guestStatusField = z
  .string()
  .max(64)
  .regex(
    /^(ok|exit:[0-9]{1,10}|trap:[a-z-]{1,40}|out-of-gas|stack-limit|memory-limit|output-limit)$/,
  );

/** What ran, what came out and what it costs. */
export const taskReceiptSchema = z.strictObject({
  task: hashField,
  executor: didField,
  ch: hashField,
  lane: laneField,
  status: guestStatusField,
  /** sha256 of the output bytes. */
  output: hashField,
  output_len: countField,
  gas: countField,
  pages_peak: countField,
  price: amountField,
  wall_ms: millisField,
  started_at: millisField,
  ended_at: millisField,
});
export type TaskReceipt = z.infer<typeof taskReceiptSchema>;

/** Why a creator does not pay a receipt. */
export const objectionReasons = [
  'output-differs',
  'status-differs',
  'gas-differs',
  'pages-differ',
  'price-wrong',
  'terms-wrong',
  'output-missing',
] as const;
export const taskObjectionSchema = z.strictObject({
  receipt: hashField,
  reason: z.enum(objectionReasons),
  /** What the creator's own run gave. */
  output: hashField.optional(),
  gas: countField.optional(),
});
export type TaskObjection = z.infer<typeof taskObjectionSchema>;

/** The creator wants the task no more; an executor that has not begun to run it drops it. */
export const taskCancelSchema = z.strictObject({ task: hashField });
export type TaskCancel = z.infer<typeof taskCancelSchema>;

/** Why an executor does not take a task, or gives up one that it took. `retry_ms` with `busy` says when to ask again. */
export const taskRejectSchema = z.strictObject({
  task: hashField,
  code: codeField,
  detail: z.string().max(1024).optional(),
  retry_ms: z.number().int().min(0).max(86_400_000).optional(),
});
export type TaskReject = z.infer<typeof taskRejectSchema>;
