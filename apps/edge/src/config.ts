/** What the environment says (12-factor). Every mistake is named, then the start is refused. */
import { decodeBase64url, err, isDid, ok, type Result } from '@zerostate/shared';
import type { Rate } from './http/rate-limit.ts';
import { DELTA_DEFAULT } from './search/ports.ts';

export type EdgeConfig = {
  host: string;
  port: number;
  ledger: { url: string; authToken: string | undefined };
  directory: { url: string; authToken: string | undefined };
  /** Seeds of 32 bytes: LEDGER_KEY is the genesis DID, EDGE_KEY signs welcomes. */
  ledgerKey: Uint8Array;
  edgeKey: Uint8Array;
  networkKind: 'local' | 'open';
  asset: string;
  /** Play money: a local network on a loopback listener. */
  faucet: boolean;
  /** Public origins; empty on a local network: the listener's own. */
  origins: readonly string[];
  operators: readonly string[];
  arbiters: readonly string[];
  /** Addresses whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  rates: EdgeRates;
  index: IndexConfig;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Whether the start applies missing migrations: embedded databases of a local network. */
  migrate: boolean;
};

export type EdgeRates = {
  /** Requests of one address. */
  address: Rate;
  /** Signed requests of one DID. */
  did: Rate;
  /** Link messages of one DID. */
  link: Rate;
};

export type IndexConfig = {
  /** Where snapshots lie: null for rows of the directory, else a folder. */
  folder: string | null;
  /** Milliseconds between two looks whether a snapshot is due; 0: another worker builds. */
  buildMs: number;
  /** Changes that make one due. */
  delta: number;
  /** Whether meaning is ranked by where the encoder's weights are at hand. */
  semantic: boolean;
};

/** Which variable is wrong, and how. */
export type ConfigMistake = { name: string; detail: string };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Exit code of a start that its configuration refuses (sysexits EX_CONFIG). */
export const EXIT_CONFIG = 78;

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

export function readConfig(
  env: Environment,
): Result<EdgeConfig, 'config-invalid'> & { mistakes: readonly ConfigMistake[] } {
  const reader = new Reader(env);
  const host = reader.text('HOST', '127.0.0.1');
  const networkKind = reader.oneOf('NETWORK_KIND', ['local', 'open'], 'local');
  const isLoopback = LOOPBACK.includes(host);
  const config: EdgeConfig = {
    host,
    port: reader.port('PORT', 8787),
    ledger: reader.database('LEDGER'),
    directory: reader.database('DIRECTORY'),
    ledgerKey: reader.seed('LEDGER_KEY'),
    edgeKey: reader.seed('EDGE_KEY'),
    networkKind,
    asset: reader.text('ASSET', 'credit'),
    faucet: networkKind === 'local' && isLoopback,
    origins: reader.list('ORIGINS', isOrigin, 'an origin such as https://edge.example'),
    operators: reader.list('OPERATORS', isDid, 'a did:key'),
    arbiters: reader.list('ARBITERS', isDid, 'a did:key'),
    trustedProxies: reader.list('TRUSTED_PROXIES', isAddress, 'an IP address'),
    rates: {
      address: reader.rate('RATE_ADDRESS', isLoopback ? LOCAL_RATE : { perSecond: 20, burst: 100 }),
      did: reader.rate('RATE_DID', isLoopback ? LOCAL_RATE : { perSecond: 50, burst: 250 }),
      link: reader.rate('RATE_LINK', isLoopback ? LOCAL_RATE : { perSecond: 200, burst: 1_000 }),
    },
    index: {
      folder: reader.folder('INDEX_STORE'),
      buildMs: reader.whole('INDEX_BUILD_S', 60, 86_400) * 1_000,
      delta: Math.max(1, reader.whole('INDEX_DELTA', DELTA_DEFAULT, 2_000)),
      semantic: reader.oneOf('SEMANTIC', ['auto', 'off'], 'auto') === 'auto',
    },
    logLevel: reader.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    migrate: reader.oneOf('MIGRATE', ['true', 'false'], 'false') === 'true',
  };
  reader.checkOpenNetwork(config);
  const { mistakes } = reader;
  return mistakes.length === 0
    ? { ...ok(config), mistakes }
    : { ...err('config-invalid'), mistakes };
}

/** A loopback listener serves its own machine: benches and tests must not meet these. */
const LOCAL_RATE: Rate = { perSecond: 100_000, burst: 200_000 };

class Reader {
  readonly #env: Environment;
  readonly mistakes: ConfigMistake[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  text(name: string, byDefault: string): string {
    const value = this.#env[name];
    return value === undefined || value === '' ? byDefault : value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], byDefault: T): T {
    const value = this.text(name, byDefault);
    const known = allowed.find((candidate) => candidate === value);
    if (known === undefined) this.#mistake(name, `is not one of ${allowed.join(', ')}`);
    return known ?? byDefault;
  }

  port(name: string, byDefault: number): number {
    const value = this.text(name, String(byDefault));
    const port = Number(value);
    if (/^[0-9]{1,5}$/.test(value) && port <= 65_535) return port;
    this.#mistake(name, 'is not a port from 0 to 65535');
    return byDefault;
  }

  /** A whole number from 0 to `max`. */
  whole(name: string, byDefault: number, max: number): number {
    const value = this.text(name, String(byDefault));
    if (/^[0-9]{1,9}$/.test(value) && Number(value) <= max) return Number(value);
    this.#mistake(name, `is not a whole number from 0 to ${max}`);
    return byDefault;
  }

  /** `rows`, or `file:` and a folder. */
  folder(name: string): string | null {
    const value = this.text(name, 'rows');
    if (value === 'rows') return null;
    if (/^file:./.test(value)) return value.slice('file:'.length);
    this.#mistake(name, 'is neither rows nor file: and a folder');
    return null;
  }

  database(name: 'LEDGER' | 'DIRECTORY'): EdgeConfig['ledger'] {
    const url = this.text(`${name}_URL`, '');
    const isUrl = url === ':memory:' || /^(file:.|https?:\/\/.|libsql:\/\/.)/.test(url);
    if (!isUrl) {
      this.#mistake(`${name}_URL`, 'is not a file:, http(s): or libsql: URL of a database');
    }
    const token = this.text(`${name}_TOKEN`, '');
    return { url, authToken: token === '' ? undefined : token };
  }

  seed(name: string): Uint8Array {
    const bytes = decodeBase64url(this.text(name, ''));
    if (bytes.ok && bytes.value.length === 32) return bytes.value;
    this.#mistake(name, 'is not a key: 32 bytes in base64url');
    return new Uint8Array(32);
  }

  /** Separated by commas. */
  list(name: string, isItem: (item: string) => boolean, what: string): string[] {
    const items = this.text(name, '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
    for (const item of items.filter((candidate) => !isItem(candidate))) {
      this.#mistake(name, `${item} is not ${what}`);
    }
    return items;
  }

  /** `<tokens a second>/<burst>`. */
  rate(name: string, byDefault: Rate): Rate {
    const value = this.text(name, '');
    if (value === '') return byDefault;
    const [, perSecond, burst] = /^([1-9][0-9]{0,6})\/([1-9][0-9]{0,6})$/.exec(value) ?? [];
    if (perSecond === undefined || burst === undefined) {
      this.#mistake(name, 'is not a rate such as 20/100: requests a second, burst');
      return byDefault;
    }
    return { perSecond: Number(perSecond), burst: Number(burst) };
  }

  checkOpenNetwork(config: EdgeConfig): void {
    if (config.networkKind === 'local') return;
    if (config.arbiters.length === 0) {
      this.#mistake('ARBITERS', 'is empty: an open network needs arbiters');
    }
    if (config.origins.length === 0) {
      this.#mistake('ORIGINS', 'is empty: an open network names its public origins');
    }
  }

  #mistake(name: string, detail: string): void {
    this.mistakes.push({ name, detail });
  }
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text);
}

function isAddress(text: string): boolean {
  return /^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(text) || /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text);
}
