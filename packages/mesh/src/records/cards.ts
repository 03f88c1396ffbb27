import {
  type CardRecord,
  type Did,
  type Envelope,
  err,
  ok,
  type Result,
  utf8,
  type Verifier,
} from '@zerostate/shared';
import type { Counters } from '../counters.ts';
import { deadline } from '../deadline.ts';
import {
  DHT_ALONE_MS,
  DHT_JOIN_MS,
  DHT_MS,
  PROVIDERS_MAX,
  REPUBLISH_MS,
  REPUBLISH_SOON_MS,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { Cancel, Dht, DhtCode } from '../ports.ts';
import type { CardBook } from './book.ts';
import { cardKey, decodeCard, encodeCard, type SignedCard } from './card-value.ts';
import { type ChainCode, type VerifiedCard, verifyChain } from './verify-chain.ts';

export type CardCode = ChainCode | 'form-invalid' | DhtCode | 'card-unknown';

export interface CardsContext {
  network: string;
  verifier: Verifier;
  ports: MeshPorts;
  counters: Counters;
  book: CardBook;
}

/** A card of this node that it keeps in the table. */
interface Published {
  card: VerifiedCard;
  value: Uint8Array;
  capabilities: readonly string[];
  /** Nodes that took it the last time; 0 asks for another try soon. */
  holders: number;
  cancel: Cancel;
}

/** Checks a value from outside against the chain and remembers what it showed. */
export async function admitCard(
  context: CardsContext,
  value: Uint8Array,
  wanted: { did: Did; agent: string } | null,
): Promise<Result<VerifiedCard, CardCode>> {
  const { network, verifier, ports, counters, book } = context;
  const unchecked = decodeCard(value);
  if (!unchecked.ok) return counted(counters, unchecked);
  const verified = await verifyChain(unchecked.value, {
    network,
    verifier,
    now: ports.clock.now(),
    wanted,
    held: (did, agent) => book.record(did, agent),
  });
  if (!verified.ok && verified.code === 'freshness-equivocation') {
    // Its author signed it: the chain comes here only after the signatures.
    book.keepEquivocation(unchecked.value.record as Envelope<CardRecord>);
  }
  return verified.ok ? verified : counted(counters, verified);
}

/** The failure, once it is counted. */
export function counted<T extends { ok: false; code: string }>(counters: Counters, failure: T): T {
  counters.add(`cards-${failure.code}`);
  return failure;
}

/** What an agent can be found by: its skills, tags and modules. */
export function capabilitiesOf({ card, params, body }: VerifiedCard): string[] {
  if (body.revoked === 'true') return [];
  const names = card.skills.flatMap((skill) => [skill.id, ...skill.tags]);
  const modules = params.programs.map(({ module }) => `module:${module}`);
  return [...new Set([...modules, ...names].map(capabilityName))].slice(0, 64);
}

/** One spelling for names; a hash has only one. */
function capabilityName(text: string): string {
  return text.startsWith('module:') ? text : text.toLowerCase();
}

/** Remembers where a peer may be reached. */
export type Learn = (did: Did, addresses: readonly string[]) => Promise<void>;

/** Cards in the distributed table: published, told again, found and checked on every read. */
export class Cards {
  readonly #dht: Dht;
  readonly #context: CardsContext;
  readonly #learn: Learn;
  readonly #published = new Map<string, Published>();
  readonly #stopping = new AbortController();
  readonly #joinedAt: number;

  constructor(dht: Dht, context: CardsContext, learn: Learn) {
    this.#dht = dht;
    this.#joinedAt = context.ports.clock.now();
    this.#learn = learn;
    this.#context = context;
  }

  /**
   * Publishes a card of any author (its signature counts, not the bearer), tells it again before
   * the table forgets it, soon while nobody took it, and as soon as somebody is there where nobody
   * was. A newer record replaces an older one. Returns how many nodes took it.
   */
  async publish(signed: SignedCard): Promise<Result<number, CardCode>> {
    const value = encodeCard(signed);
    const verified = await admitCard(this.#context, value, null);
    if (!verified.ok) return verified;
    this.#context.book.keep(verified.value);
    const { did, agent } = verified.value.body;
    const name = cardKey({ network: this.#context.network, did, agent });
    const before = this.#published.get(name);
    before?.cancel();
    const published: Published = {
      card: verified.value,
      value,
      capabilities: capabilitiesOf(verified.value),
      holders: 0,
      cancel: () => undefined,
    };
    this.#published.set(name, published);
    const offered = new Set([...this.#published.values()].flatMap((one) => one.capabilities));
    for (const capability of before?.capabilities ?? []) {
      if (!offered.has(capability)) await this.#dht.unprovide(this.#capabilityKey(capability));
    }
    await this.#tell(name, published);
    return ok(published.holders);
  }

  /** The card of an agent, from the table; what is held counts where it is newer. */
  async resolve(did: Did, agent: string): Promise<Result<VerifiedCard, CardCode>> {
    const { network, book, ports } = this.#context;
    const { signal, cancel } = deadline(ports.timers, DHT_MS, this.#stopping.signal);
    const key = cardKey({ network, did, agent });
    const found = await this.#patiently(signal, () => this.#dht.get(key, signal));
    cancel();
    let problem: Result<never, CardCode> = found.ok ? err('card-unknown', agent) : found;
    for (const value of found.ok ? found.value : []) {
      const admitted = await admitCard(this.#context, value, { did, agent });
      if (admitted.ok) book.keep(admitted.value);
      else problem = admitted;
    }
    const held = book.card(did, agent);
    if (held === null) return problem;
    await this.#learn(did, held.params.mesh);
    // What was good when it was taken may be over by now.
    return admitCard(this.#context, encodeCard(held), { did, agent });
  }

  /** DIDs of executors that say they have this skill, tag or `module:<hash>`. */
  async providers(capability: string): Promise<Result<Did[], DhtCode>> {
    const { signal, cancel } = deadline(this.#context.ports.timers, DHT_MS, this.#stopping.signal);
    const key = this.#capabilityKey(capabilityName(capability));
    const found = await this.#patiently(signal, () =>
      this.#dht.providers(key, PROVIDERS_MAX, signal),
    );
    cancel();
    if (!found.ok) return found;
    for (const { did, addresses } of found.value) await this.#learn(did, addresses);
    return ok(found.value.map(({ did }) => did));
  }

  /** Cards of this node: what it tells to whoever asks it. */
  own(): VerifiedCard[] {
    return [...this.#published.values()].map(({ card }) => card);
  }

  status() {
    return [...this.#published.values()].map(({ card, holders }) => ({
      did: card.body.did,
      agent: card.body.agent,
      seq: card.body.seq,
      holders,
    }));
  }

  stop(): void {
    this.#stopping.abort();
    for (const { cancel } of this.#published.values()) cancel();
  }

  async #tell(name: string, published: Published): Promise<void> {
    const { ports } = this.#context;
    const { signal, cancel } = deadline(ports.timers, DHT_MS, this.#stopping.signal);
    const put = await this.#dht.put(name, published.value, signal);
    published.holders = put.ok ? put.value : 0;
    const isAlone = !put.ok && put.code === 'dht-no-peers';
    let isTold = published.holders > 0;
    for (const capability of isAlone ? [] : published.capabilities) {
      const told = await this.#dht.provide(this.#capabilityKey(capability), signal);
      isTold &&= told.ok && told.value > 0;
    }
    cancel();
    if (this.#stopping.signal.aborted || this.#published.get(name) !== published) return;
    const soonMs = isAlone ? DHT_ALONE_MS : REPUBLISH_SOON_MS;
    const waitMs = isTold ? REPUBLISH_MS : soonMs;
    published.cancel = ports.timers.after(waitMs, () => void this.#tell(name, published));
  }

  /** A node that has just come knows nobody yet: asks again until it does, or ought to. */
  async #patiently<T>(
    signal: AbortSignal,
    query: () => Promise<Result<T, DhtCode>>,
  ): Promise<Result<T, DhtCode>> {
    const { timers, clock } = this.#context.ports;
    for (;;) {
      const found = await query();
      const isNew = clock.now() < this.#joinedAt + DHT_JOIN_MS;
      if (found.ok || found.code !== 'dht-no-peers' || signal.aborted || !isNew) return found;
      await new Promise<void>((resolve) => timers.after(DHT_ALONE_MS, resolve));
    }
  }

  #capabilityKey(capability: string): Uint8Array {
    return utf8(`zs-capability\n${this.#context.network}\n${capability}`);
  }
}
