import {
  type CardAnswer,
  cardRecordSchema,
  checkCardRecord,
  didField,
  type ExecutorCard,
  type ExecutorParams,
  openEnvelope,
  type Program,
  validateAgentCard,
  verifyCard,
} from '@zerostate/shared';
import { type ClientContext, type Failure, fail } from './context.ts';

/** An agent: an executor's DID and the name of its card. */
export interface AgentRef {
  did: string;
  agent: string;
}

/** An agent whose card was checked, with the program that would do the work. */
export interface Candidate extends AgentRef {
  name: string;
  params: ExecutorParams;
  program: Program;
}

/** Which of a card's programs is wanted: by module, by skill, or the one that fits the words. */
export interface ProgramWanted {
  module?: string | undefined;
  skill?: string | undefined;
  query?: string | undefined;
}

type Found<T> = { ok: true; value: T } | Failure;

/** `did#agent` as people write it. */
export function parseAgent(text: string): AgentRef | null {
  const [did = '', agent = '', ...rest] = text.split('#');
  const isAgent = didField.safeParse(did).success && /^[a-z0-9][a-z0-9-]{0,62}$/.test(agent);
  return isAgent && rest.length === 0 ? { did, agent } : null;
}

/**
 * A card is read again after this. One that changes in between costs a rejection: its executor
 * refuses what it no longer offers.
 */
const CARD_MS = 5_000;
const CARDS_KEPT_MAX = 1_000;

/** Cards of executors that were on line when they were read and checked. */
export type KnownCards = Map<string, { card: ExecutorCard; until: number }>;

const keyOf = ({ did, agent }: AgentRef): string => `${did}#${agent}`;

export function isRemembered({ cards }: ClientContext, ref: AgentRef): boolean {
  return cards.has(keyOf(ref));
}

/** The next one who wants this agent reads its card afresh. */
export function forgetCard({ cards }: ClientContext, ref: AgentRef): void {
  cards.delete(keyOf(ref));
}

/** Fetches an agent's card and believes only what its executor signed. */
export async function findCandidate(
  context: ClientContext,
  ref: AgentRef,
  wanted: ProgramWanted,
  signal?: AbortSignal,
): Promise<Found<Candidate>> {
  const card = await cardOf(context, ref, signal);
  if (!card.ok) return card;
  const program = chooseProgram(card.value, wanted);
  if (program === null) return fail('program-unknown', wanted.skill ?? wanted.module);
  const { params } = card.value;
  return { ok: true, value: { ...ref, name: card.value.card.name, params, program } };
}

async function cardOf(
  context: ClientContext,
  ref: AgentRef,
  signal?: AbortSignal,
): Promise<Found<ExecutorCard>> {
  const { cards, clock, edge } = context;
  const known = cards.get(keyOf(ref));
  const now = clock.now();
  // A clock that was put back must not keep a card for longer.
  if (known !== undefined && now < known.until && now >= known.until - CARD_MS) {
    return { ok: true, value: known.card };
  }
  const answer = await edge.card(ref.did, ref.agent, { signal });
  if (!answer.ok) return answer;
  const card = await checkCard(context, ref, answer.value);
  if (!card.ok) return card;
  if (!answer.value.online) return fail('executor-offline', keyOf(ref));
  if (cards.size >= CARDS_KEPT_MAX) cards.clear();
  cards.set(keyOf(ref), { card: card.value, until: now + CARD_MS });
  return card;
}

async function checkCard(
  { network: { network }, verifier, clock }: ClientContext,
  ref: AgentRef,
  answer: CardAnswer,
): Promise<Found<ExecutorCard>> {
  const record = await openEnvelope(
    network,
    answer.record,
    cardRecordSchema,
    'card.record',
    verifier,
    { by: [ref.did] },
  );
  if (!record.ok) return fail('card-forged', record.code);
  const { did, agent, revoked } = record.value.body;
  if (did !== ref.did || agent !== ref.agent) return fail('card-forged', 'another agent');
  if (revoked === 'true') return fail('card-revoked');
  const named = checkCardRecord(record.value.body, answer.card, clock.now());
  if (!named.ok) return named;
  const signed = await verifyCard(answer.card, ref.did, verifier);
  return signed.ok ? validateAgentCard(answer.card) : fail('card-forged', signed.code);
}

function chooseProgram({ card, params }: ExecutorCard, wanted: ProgramWanted): Program | null {
  const { programs } = params;
  if (wanted.module !== undefined) {
    return programs.find(({ module }) => module === wanted.module) ?? null;
  }
  if (wanted.skill !== undefined) {
    return programs.find(({ skill }) => skill === wanted.skill) ?? null;
  }
  const words = wordsOf(wanted.query ?? '');
  let best: { program: Program; shared: number } | null = null;
  for (const program of programs) {
    const skill = card.skills.find(({ id }) => id === program.skill);
    const text = [skill?.id, skill?.name, skill?.description, ...(skill?.tags ?? [])].join(' ');
    const own = wordsOf(text);
    const shared = [...words].filter((word) => own.has(word)).length;
    if (best === null || shared > best.shared) best = { program, shared };
  }
  return best?.program ?? null;
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
}
