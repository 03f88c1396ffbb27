import type { Mesh, VerifiedCard } from '@zerostate/mesh';
import {
  type CardAnswer,
  type Did,
  envelopeField,
  isDid,
  RESULTS_MAX,
  type SearchAnswer,
  type SearchRequest,
  type SearchResult,
} from '@zerostate/shared';
import type { EdgeResult } from '../http/outcome.ts';
import { pause } from '../http/pause.ts';
import type { Clock, Timers } from '../ports.ts';
import { capabilitiesAsked, rankCards } from './rank.ts';

/** Words of a search that are looked up in the table. */
const CAPABILITIES_MAX = 8;
/** Nodes that one search asks for their cards. */
const ASKED_MAX = 32;
/** A search with something to show waits no longer than this for the rest, and never longer than that. */
const ENOUGH_MS = 400;
const SEARCH_MS = 6_000;
/** A node that told its cards is asked again after this. */
const TOLD_MS = 5_000;
/** Reaching an executor whose address is known. */
const REACH_MS = 8_000;
const RESULTS_DEFAULT = 10;

export interface MeshCardsOptions {
  mesh: Mesh;
  clock: Clock;
  timers: Timers;
}

/** Finding agents without an index: by name in the table, by what their nodes say of themselves. */
export class MeshCards {
  readonly #options: MeshCardsOptions;
  readonly #toldAt = new Map<Did, number>();

  constructor(options: MeshCardsOptions) {
    this.#options = options;
  }

  /** An agent's card, from its own node where that can be reached. */
  async card(did: string, agent: string): Promise<EdgeResult<CardAnswer>> {
    if (!isDid(did)) return { ok: false, code: 'agent-not-found', detail: did, isSent: false };
    const { mesh } = this.#options;
    const isReached = await this.#reach(did);
    if (isReached) await this.#ask(did);
    let held = mesh.book.card(did, agent);
    let online = isReached;
    if (held === null) {
      const resolved = await mesh.cards.resolve(did, agent);
      if (!resolved.ok) {
        const about = `${did}#${agent}: ${resolved.code}`;
        return { ok: false, code: 'agent-not-found', detail: about, isSent: false };
      }
      held = resolved.value;
      // The table knew where it is, too.
      online ||= await this.#reach(did);
    }
    return { ok: true, value: answerOf(held, online || this.#isOnline(did)) };
  }

  /** Cards that this node knows once it has looked around, ranked by `rankCards`. */
  async search(
    request: SearchRequest,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<EdgeResult<SearchAnswer>> {
    const { reputation_min: least } = request.filters ?? {};
    if (least !== undefined && least > 0) {
      return { ok: false, code: 'filter-unknown', detail: 'reputation_min needs an edge' };
    }
    const over = new AbortController();
    const around = this.#lookAround(request, over.signal);
    const ranked = () => this.#ranked(request);
    await this.#wait(around, { isEnough: () => ranked().length > 0, signal: options.signal });
    over.abort();
    if (isAborted(options.signal)) return { ok: false, code: 'aborted' };
    const fitting = ranked();
    const results = fitting.slice(0, Math.min(request.k ?? RESULTS_DEFAULT, RESULTS_MAX));
    return { ok: true, value: { results, rev: 0, embedder: 'mesh', total: fitting.length } };
  }

  #ranked(request: SearchRequest): SearchResult[] {
    const { mesh } = this.#options;
    return rankCards(mesh.book.all(), request, {
      isOnline: (did) => this.#isOnline(did),
      loadOf: (did) => mesh.presences.of(did),
    });
  }

  /** Asks nodes that may have what is wanted: connected ones, and those that the table names. */
  async #lookAround(request: SearchRequest, signal: AbortSignal): Promise<void> {
    const { mesh } = this.#options;
    const asked = new Set<Did>();
    const ask = async (dids: readonly Did[]): Promise<void> => {
      const others = dids.filter((did) => !asked.has(did)).slice(0, ASKED_MAX - asked.size);
      for (const did of others) asked.add(did);
      if (!signal.aborted) await Promise.allSettled(others.map((did) => this.#ask(did)));
    };
    const lookUp = async (capability: string): Promise<void> => {
      const providers = await mesh.cards.providers(capability);
      if (providers.ok) await ask(providers.value);
    };
    const capabilities = capabilitiesAsked(request, CAPABILITIES_MAX);
    const near = mesh.wire.connections().map(({ did }) => did);
    await Promise.allSettled([ask(near), ...capabilities.map(lookUp)]);
  }

  async #ask(did: Did): Promise<void> {
    const { mesh, clock } = this.#options;
    const now = clock.now();
    if (now - (this.#toldAt.get(did) ?? Number.NEGATIVE_INFINITY) < TOLD_MS) return;
    const asked = await mesh.cardAsking.ask(did);
    if (asked.ok) this.#toldAt.set(did, now);
  }

  async #reach(did: Did): Promise<boolean> {
    const { mesh } = this.#options;
    if (mesh.wire.isConnected(did)) return true;
    for (const { params } of mesh.book.cardsOf(did)) await mesh.wire.learn(did, params.mesh);
    return (await mesh.connect(did, REACH_MS)).ok;
  }

  #isOnline(did: Did): boolean {
    const { mesh } = this.#options;
    if (mesh.wire.isConnected(did) || mesh.presences.of(did) !== null) return true;
    // Nodes in between carry to it.
    return mesh.routes(did).destinations.some(({ hops }) => hops !== null);
  }

  /** Until the work is done; once there is enough for `ENOUGH_MS` at the most, and `SEARCH_MS` in all. */
  async #wait(
    work: Promise<void>,
    { isEnough, signal }: { isEnough: () => boolean; signal: AbortSignal | undefined },
  ): Promise<void> {
    const over = new AbortController();
    const end = (): void => over.abort();
    signal?.addEventListener('abort', end, { once: true });
    const patience = async (): Promise<void> => {
      for (let ms = 0; ms < SEARCH_MS && !over.signal.aborted; ms += ENOUGH_MS) {
        await pause(this.#options.timers, ENOUGH_MS, over.signal);
        if (isEnough()) return;
      }
    };
    await Promise.race([work, patience()]);
    end();
    signal?.removeEventListener('abort', end);
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function answerOf({ body, record, card, params }: VerifiedCard, online: boolean): CardAnswer {
  return {
    did: body.did,
    agent: body.agent,
    name: card.name,
    description: card.description,
    tags: [...new Set(card.skills.flatMap(({ tags }) => tags))],
    skills: card.skills.map(({ id }) => id),
    regions: [...params.regions],
    seq: body.seq,
    card_sha256: body.card_sha256,
    issued_at: body.issued_at,
    expires_at: body.expires_at,
    rev: 0,
    online,
    record: envelopeField.parse(record),
    card: { ...card },
  };
}
