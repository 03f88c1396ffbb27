/** A card with its record as one value: what the table keeps and gossip carries. */
import {
  type AgentCard,
  agentField,
  type CardRecord,
  type Did,
  type Envelope,
  err,
  fromUtf8,
  isDid,
  isNetworkId,
  jcs,
  ok,
  parseJson,
  type Result,
  utf8,
} from '@zerostate/shared';
import { RECORD_BYTES_MAX } from '../limits.ts';

/** As its author sends it. */
export interface SignedCard {
  record: Envelope<CardRecord>;
  card: AgentCard;
}

/** As it comes from outside: nothing in it is checked. */
export interface UncheckedCard {
  record: unknown;
  card: Record<string, unknown>;
}

/** Namespace of card records in the table. */
export const CARD_NAMESPACE = 'zs-card';

/** Where a card stands in the table. */
export interface CardKey {
  network: string;
  did: Did;
  agent: string;
}

export function cardKey({ network, did, agent }: CardKey): string {
  return `/${CARD_NAMESPACE}/${network}/${did}/${agent}`;
}

export function readCardKey(key: string): Result<CardKey, 'key-invalid'> {
  const [empty, namespace, network = '', did = '', agent = '', ...rest] = key.split('/');
  const isKey =
    empty === '' &&
    namespace === CARD_NAMESPACE &&
    rest.length === 0 &&
    isNetworkId(network) &&
    isDid(did) &&
    agentField.safeParse(agent).success;
  return isKey ? ok({ network, did, agent }) : err('key-invalid', key.slice(0, 200));
}

/** One spelling for one value, so that equal values are equal bytes. */
export function encodeCard({ record, card }: SignedCard): Uint8Array {
  return utf8(jcs({ record, card }));
}

export function decodeCard(value: Uint8Array): Result<UncheckedCard, 'form-invalid'> {
  if (value.length > RECORD_BYTES_MAX) return err('form-invalid', `${value.length} bytes`);
  const text = fromUtf8(value);
  if (!text.ok) return err('form-invalid', 'utf-8');
  const json = parseJson(text.value);
  if (!json.ok) return err('form-invalid', json.code);
  if (!isRecord(json.value)) return err('form-invalid', '$');
  const { record, card, ...rest } = json.value;
  if (!isRecord(card) || Object.keys(rest).length > 0) return err('form-invalid', 'card');
  return jcs(json.value) === text.value
    ? ok({ record, card })
    : err('form-invalid', 'not canonical');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
