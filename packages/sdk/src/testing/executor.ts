/** An executor for tests: real cards, real runs, real signatures, and lies on request. */
import { admit, callOf, limitsOf, METER, run } from '@zerostate/runtime';
import {
  type AgentSkill,
  buildAgentCard,
  type CardAnswer,
  cardHash,
  digestSha256,
  type Envelope,
  priceOf,
  type Signer,
  sealEnvelope,
  signCard,
  type TaskManifest,
  type TaskReceipt,
} from '@zerostate/shared';
import { START } from './parties.ts';

/** (module (func (export "hello") (result i32) i32.const 42)) */
export const HELLO = Uint8Array.from(
  '0061736d010000000105016000017f030201000709010568656c6c6f00000a06010400412a0b'.match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);

/** What an executor does with a task. */
export interface Behaviour {
  /** Turns the task down with this code. */
  reject?: { code: string; retry_ms?: number };
  /** Turns down a task at another base price than this one. */
  rejectUnlessBase?: string;
  /** Takes it and is never heard of again; `silent` does not even take it. */
  vanish?: 'accepted' | 'silent';
  /** Changes the receipt before it is signed. */
  lie?: (receipt: TaskReceipt) => TaskReceipt;
  /** Keeps the output to itself. */
  withholdOutput?: boolean;
}

export interface TestExecutor {
  readonly signer: Signer;
  readonly behaviour: Behaviour;
  readonly card: CardAnswer;
  work(task: string, manifest: TaskManifest, lane: { ch: string; lane: string }): Promise<Done>;
}

export type Done = { receipt: Envelope<TaskReceipt>; output: Uint8Array };

const SKILL: AgentSkill = {
  id: 'greet',
  name: 'Greeting',
  description: 'Says the answer',
  tags: ['hello'],
};

export async function testExecutor(
  network: string,
  signer: Signer,
  options: { behaviour?: Behaviour; base?: string; meter?: string; now?: number } = {},
): Promise<TestExecutor> {
  const { behaviour = {}, base = '1000', meter = METER, now = START } = options;
  const module = await digestSha256(HELLO);
  const program = { skill: 'greet', module, abi: 'call' as const, fn: 'hello' };
  const params = {
    meter,
    price: { base, per_mgas: '100', per_page: '10' },
    limits: {
      gas_max: '1000000000',
      pages_max: '64',
      wall_ms_max: '10000',
      input_max: '1048576',
      output_max: '1048576',
    },
    regions: [],
    mesh: [],
    programs: [{ ...program, input: ['text/plain'], output: ['text/plain'] }],
  };
  const unsigned = buildAgentCard({
    name: 'Hello',
    description: 'Answers everything with 42',
    version: '1.0.0',
    url: 'http://127.0.0.1/v1/tasks',
    skills: [SKILL],
    params,
  });
  const card = await signCard(unsigned, signer);
  const record = {
    did: signer.did,
    agent: 'hello',
    seq: '1',
    issued_at: String(now),
    expires_at: String(now + 86_400_000),
    card_sha256: cardHash(card),
    revoked: 'false' as const,
  };
  return {
    signer,
    behaviour,
    card: {
      did: signer.did,
      agent: 'hello',
      name: 'Hello',
      description: unsigned.description,
      tags: ['hello'],
      skills: ['greet'],
      regions: [],
      seq: '1',
      card_sha256: record.card_sha256,
      issued_at: record.issued_at,
      expires_at: record.expires_at,
      rev: 1,
      online: true,
      record: await sealEnvelope(network, 'card.record', record, signer),
      card,
    },
    work: (task, manifest, lane) => work(network, signer, behaviour, { task, manifest, ...lane }),
  };
}

async function work(
  network: string,
  signer: Signer,
  behaviour: Behaviour,
  order: { task: string; manifest: TaskManifest; ch: string; lane: string },
): Promise<Done> {
  const { task, manifest, ch, lane } = order;
  const admitted = await admit(HELLO);
  if (!admitted.ok) throw new Error(admitted.detail);
  const call = callOf(manifest, new Uint8Array());
  const ran = await run(admitted.module, call, limitsOf(manifest), task);
  if (!ran.ok) throw new Error(ran.detail);
  const { outcome } = ran;
  const usage = { gas: outcome.gas, pagesPeak: BigInt(outcome.pagesPeak) };
  const terms = {
    base: BigInt(manifest.price_base),
    perMgas: BigInt(manifest.price_per_mgas),
    perPage: BigInt(manifest.price_per_page),
    max: BigInt(manifest.price_max),
  };
  const honest: TaskReceipt = {
    task,
    executor: signer.did,
    ch,
    lane,
    status: outcome.status,
    output: await digestSha256(outcome.output),
    output_len: String(outcome.output.length),
    gas: String(outcome.gas),
    pages_peak: String(outcome.pagesPeak),
    price: String(priceOf(terms, usage)),
    wall_ms: '1',
    started_at: String(START),
    ended_at: String(START + 1),
  };
  const receipt = behaviour.lie?.(honest) ?? honest;
  return {
    receipt: await sealEnvelope(network, 'task.receipt', receipt, signer),
    output: outcome.output,
  };
}
