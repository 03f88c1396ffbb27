/** What the nodes that keep the table hold each other to. */
import type { CardRecord } from '@zerostate/shared';
import { RELAY_RECORDS_KEPT_MAX } from '../limits.ts';
import type { RecordRules } from '../ports.ts';
import { decodeCard, readCardKey } from './card-value.ts';
import { admitCard, type CardsContext, counted } from './cards.ts';
import { verifyChain } from './verify-chain.ts';

/** Of a node in a network: it keeps that network's cards and remembers them. */
export function cardRules(context: CardsContext): RecordRules {
  return {
    async validate(key, value) {
      const wanted = readCardKey(key);
      if (!wanted.ok || wanted.value.network !== context.network) return false;
      const admitted = await admitCard(context, value, wanted.value);
      // An older record than the one held is refused: a put must not take a card back in time.
      if (admitted.ok) context.book.keep(admitted.value);
      return admitted.ok;
    },
    select: newest,
  };
}

/** The same of a node that keeps the table of every network and searches none: a relay. */
export function anyNetworkRules(context: CardsContext): RecordRules {
  const kept = new Map<string, CardRecord>();
  return {
    async validate(key, value) {
      const wanted = readCardKey(key);
      const unchecked = decodeCard(value);
      if (!wanted.ok || !unchecked.ok) return false;
      const { network } = wanted.value;
      const { verifier, ports, counters } = context;
      const held = () => kept.get(key) ?? null;
      const about = { network, verifier, now: ports.clock.now(), wanted: wanted.value, held };
      const verified = await verifyChain(unchecked.value, about);
      if (!verified.ok) {
        counted(counters, verified);
        return false;
      }
      kept.delete(key);
      kept.set(key, verified.value.body);
      const oldest = kept.keys().next();
      if (kept.size > RELAY_RECORDS_KEPT_MAX && oldest.done !== true) kept.delete(oldest.value);
      return true;
    },
    select: newest,
  };
}

function newest(_: string, values: readonly Uint8Array[]): number {
  const seqs = values.map(seqOf);
  let best = 0;
  for (const [i, seq] of seqs.entries()) if (seq > (seqs[best] ?? -1n)) best = i;
  return best;
}

/** The number of a value that the validator has passed. */
function seqOf(value: Uint8Array): bigint {
  const card = decodeCard(value);
  if (!card.ok) return -1n;
  const { record } = card.value;
  const body = typeof record === 'object' && record !== null && 'body' in record ? record.body : {};
  const seq = typeof body === 'object' && body !== null && 'seq' in body ? body.seq : null;
  return typeof seq === 'string' && /^[0-9]{1,16}$/.test(seq) ? BigInt(seq) : -1n;
}
