/** The executor link: its signed greetings and its frames (protocol.md, Executor link). */
import { z } from 'zod';
import {
  asciiField,
  codeField,
  countField,
  didField,
  envelopeField,
  nonceField,
} from './fields.ts';

/** The executor's answer to the edge's nonce. */
export const linkHelloSchema = z.strictObject({
  did: didField,
  /** The origin that was dialled, and the DID that answered there. */
  edge: asciiField.max(256),
  edge_did: didField,
  nonce: nonceField,
  /** Random for each life of the executor's outbox: its numbers start again with a new session. */
  session: nonceField,
  /** Highest sequence seen in each of the edge's two outboxes. */
  seen_ledger: countField,
  seen_directory: countField,
  features: z.array(asciiField.max(64)).max(32),
});
export type LinkHello = z.infer<typeof linkHelloSchema>;

/** Signed by the edge's EDGE_KEY over the same nonce. */
export const linkWelcomeSchema = z.strictObject({
  did: didField,
  edge_did: didField,
  nonce: nonceField,
  session: nonceField,
  /** Rises with each hello; a socket of an older epoch is closed. */
  epoch: countField,
  /** Highest number of this session that the edge has processed. */
  seen: countField,
  features: z.array(asciiField.max(64)).max(32),
});
export type LinkWelcome = z.infer<typeof linkWelcomeSchema>;

/** Position in an outbox; a JSON number. */
const sequence = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const database = z.enum(['ledger', 'directory']);
export type OutboxDatabase = z.infer<typeof database>;
const body = z.record(z.string(), z.unknown());
const detail = z.string().max(1024).optional();

/** What the edge sends. */
export const edgeFrameSchema = z.discriminatedUnion('t', [
  z.strictObject({
    t: z.literal('nonce'),
    nonce: nonceField,
    edge_did: didField,
    network: z.string().max(32),
  }),
  z.strictObject({ t: z.literal('welcome'), welcome: envelopeField }),
  z.strictObject({ t: z.literal('msg'), db: database, seq: sequence, type: codeOf(), body }),
  z.strictObject({ t: z.literal('ack'), n: sequence }),
  z.strictObject({ t: z.literal('error'), code: codeField, detail, re: sequence.optional() }),
  z.strictObject({ t: z.literal('ping') }),
  z.strictObject({ t: z.literal('pong') }),
]);
export type EdgeFrame = z.infer<typeof edgeFrameSchema>;

/** What an executor sends. */
export const executorFrameSchema = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('hello'), hello: envelopeField }),
  z.strictObject({ t: z.literal('msg'), n: sequence, type: codeOf(), body }),
  z.strictObject({ t: z.literal('ack'), ledger: sequence, directory: sequence }),
  z.strictObject({
    t: z.literal('error'),
    code: codeField,
    detail,
    re: z.strictObject({ db: database, seq: sequence }),
  }),
  z.strictObject({ t: z.literal('ping') }),
  z.strictObject({ t: z.literal('pong') }),
]);
export type ExecutorFrame = z.infer<typeof executorFrameSchema>;

/** Message types have dots: `task.offer`. */
function codeOf() {
  return z
    .string()
    .regex(/^[a-z]+\.[a-z]+$|^presence$/)
    .max(64);
}
