import {
  type AgentCardCode,
  buildAgentCard,
  type CardRecord,
  cardHash,
  type Envelope,
  err,
  ok,
  type Result,
  type Signer,
  sealEnvelope,
  signCard,
  validateAgentCard,
} from '@zerostate/shared';
import type { Pinned } from '../state/store.ts';
import type { AgentFile } from './agent-file.ts';

/** A card and its record, signed and ready to be published. */
export interface SignedCard {
  agent: string;
  seq: number;
  expiresAt: number;
  record: Envelope<CardRecord>;
  card: Record<string, unknown>;
}

export interface CardTerms {
  pinned: Pinned;
  meter: string;
  /** The seq of the record before, 0 for none. */
  seqBefore: number;
  lifetimeMs: number;
  now: number;
  /** Where callers reach the node over the mesh. */
  addresses: readonly string[];
}

/** The addresses of the mesh in a signed card. */
export function namedAddresses(card: unknown): string[] {
  const executor = validateAgentCard(card);
  return executor.ok ? executor.value.params.mesh : [];
}

/** The A2A card of an agent file, signed by the node, with its record. */
export async function signAgentCard(
  source: { file: AgentFile; hashes: Readonly<Record<string, string>> },
  terms: CardTerms,
  signer: Signer,
): Promise<Result<SignedCard, AgentCardCode>> {
  const { file, hashes } = source;
  const card = buildAgentCard({
    name: file.name,
    description: file.description,
    version: file.version,
    url: new URL('/v1/tasks', terms.pinned.edge).href,
    skills: file.skills.map(({ examples, inputModes, outputModes, ...skill }) => ({
      ...skill,
      // What the agent is good for counts for each of its skills: search reads skills.
      tags: [...new Set([...skill.tags, ...file.tags])].slice(0, 64),
      ...(examples === undefined ? {} : { examples }),
      ...(inputModes === undefined ? {} : { inputModes }),
      ...(outputModes === undefined ? {} : { outputModes }),
    })),
    params: {
      meter: terms.meter,
      price: file.price,
      limits: file.limits,
      regions: file.regions,
      mesh: [...terms.addresses],
      programs: file.programs.map(({ skill, file: path, abi, fn, args, input, output }) => ({
        skill,
        module: hashes[path] ?? '',
        abi,
        ...(fn === undefined ? {} : { fn }),
        ...(args === undefined ? {} : { args }),
        input: typeof input === 'string' ? [input] : input,
        output: typeof output === 'string' ? [output] : output,
      })),
    },
  });
  const valid = validateAgentCard(card);
  if (!valid.ok) return err(valid.code, valid.detail);
  const signed = await signCard(card, signer);
  return ok(await sealRecord(file.agent, signed, 'false', terms, signer));
}

/** The last word on an agent: its card is no more. */
export function signRevocation(
  agent: string,
  card: Record<string, unknown>,
  terms: CardTerms,
  signer: Signer,
): Promise<SignedCard> {
  return sealRecord(agent, card, 'true', terms, signer);
}

async function sealRecord(
  agent: string,
  card: Record<string, unknown>,
  revoked: 'true' | 'false',
  terms: CardTerms,
  signer: Signer,
): Promise<SignedCard> {
  const { pinned, seqBefore, lifetimeMs, now } = terms;
  // The clock keeps seq rising also where this database was lost; without it, the count does.
  const seq = Math.max(seqBefore + 1, now);
  const expiresAt = now + lifetimeMs;
  const body: CardRecord = {
    did: pinned.did,
    agent,
    seq: String(seq),
    issued_at: String(now),
    expires_at: String(expiresAt),
    card_sha256: cardHash(card),
    revoked,
  };
  const record = await sealEnvelope(pinned.network, 'card.record', body, signer);
  return { agent, seq, expiresAt, record, card };
}
