/** The greeting that two nodes exchange once a connection is up. */
import { err, fromUtf8, isNetworkId, ok, parseJson, type Result, utf8 } from '@zerostate/shared';
import { FEATURES_MAX, HELLO_BYTES_MAX } from '../limits.ts';

/** Versions of the mesh's protocols that this node speaks, best first. */
export const VERSIONS = ['1'] as const;

/** What a node can do beyond the version; a feature is used when both sides name it. */
export const FEATURES = ['card-records', 'gossip', 'tasks', 'task-bodies', 'routes'] as const;

export interface Hello {
  versions: readonly string[];
  /** '' for a relay that serves every network. */
  network: string;
  role: 'node' | 'relay';
  features: readonly string[];
  /** The sender's clock, ms since the epoch: a hint that one of the two is off. */
  now: number;
}

export interface Negotiated {
  version: string;
  role: Hello['role'];
  features: readonly string[];
  /** The other clock minus this one, ms. */
  clockOffMs: number;
}

export type HelloCode = 'hello-invalid' | 'version-unknown' | 'network-differs';

export function encodeHello(hello: Hello): Uint8Array {
  return utf8(JSON.stringify(hello));
}

export function decodeHello(bytes: Uint8Array): Result<Hello, 'hello-invalid'> {
  const text = bytes.length > HELLO_BYTES_MAX ? null : fromUtf8(bytes);
  const json = text?.ok === true ? parseJson(text.value, 3) : null;
  if (json?.ok !== true || !isRecord(json.value)) return err('hello-invalid', 'not an object');
  const { versions, network, role, features, now } = json.value;
  if (!areNames(versions) || versions.length === 0) return err('hello-invalid', 'versions');
  if (typeof network !== 'string' || (network !== '' && !isNetworkId(network))) {
    return err('hello-invalid', 'network');
  }
  if (role !== 'node' && role !== 'relay') return err('hello-invalid', 'role');
  if (!areNames(features)) return err('hello-invalid', 'features');
  if (typeof now !== 'number' || !Number.isSafeInteger(now)) return err('hello-invalid', 'now');
  return ok({ versions, network, role, features, now });
}

/** What both sides can do: the best version of ours that theirs knows, the features of both. */
export function negotiate(ours: Hello, theirs: Hello, now: number): Result<Negotiated, HelloCode> {
  const version = ours.versions.find((one) => theirs.versions.includes(one));
  if (version === undefined) return err('version-unknown', theirs.versions.join(' '));
  if (ours.network !== '' && theirs.network !== '' && ours.network !== theirs.network) {
    return err('network-differs', theirs.network);
  }
  const features = ours.features.filter((feature) => theirs.features.includes(feature));
  return ok({ version, role: theirs.role, features, clockOffMs: theirs.now - now });
}

function areNames(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length <= FEATURES_MAX &&
    value.every((item) => typeof item === 'string' && /^[a-z0-9][a-z0-9.-]{0,63}$/.test(item))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
