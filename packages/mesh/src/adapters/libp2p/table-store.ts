import { NotFoundError } from '@libp2p/interface';
import { BaseDatastore } from 'datastore-core/base';
import { Key, type Pair } from 'interface-datastore';
import { TABLE_BYTES_MAX } from '../../limits.ts';

/** What a key, its value's holder and the map around them take beside the value itself. */
const ENTRY_BYTES = 256;
/** Of the table, what goes at once when it is full. */
const SHED_SHARE = 1 / 16;
/** Where kad-dht keeps what others told it: records and providers. */
const TABLE_PREFIX = '/dht/';

/**
 * libp2p's memory, with a bound on what strangers put into it: any peer may name itself the
 * provider of anything. What was told longest ago goes first; who means it tells it again.
 */
export class TableStore extends BaseDatastore {
  readonly #bytesMax: number;
  readonly #entries = new Map<string, Uint8Array>();
  readonly #shed: (entries: number) => void;
  #tableBytes: number;

  constructor(shed: (entries: number) => void, bytesMax: number = TABLE_BYTES_MAX) {
    super();
    this.#shed = shed;
    this.#bytesMax = bytesMax;
    this.#tableBytes = 0;
  }

  override put(key: Key, value: Uint8Array): Key {
    const name = key.toString();
    this.#drop(name);
    this.#entries.set(name, value);
    this.#tableBytes += tableBytes(name, value);
    if (this.#tableBytes > this.#bytesMax) this.#shedOldest();
    return key;
  }

  override get(key: Key): Uint8Array {
    const value = this.#entries.get(key.toString());
    if (value === undefined) throw new NotFoundError(key.toString());
    return value;
  }

  override has(key: Key): boolean {
    return this.#entries.has(key.toString());
  }

  override delete(key: Key): void {
    this.#drop(key.toString());
  }

  override *_all(): Generator<Pair> {
    for (const [name, value] of this.#entries) yield { key: new Key(name), value };
  }

  override *_allKeys(): Generator<Key> {
    for (const name of this.#entries.keys()) yield new Key(name);
  }

  #drop(name: string): void {
    const value = this.#entries.get(name);
    if (value === undefined) return;
    this.#tableBytes -= tableBytes(name, value);
    this.#entries.delete(name);
  }

  #shedOldest(): void {
    const enough = this.#bytesMax * (1 - SHED_SHARE);
    let shed = 0;
    for (const name of this.#entries.keys()) {
      if (this.#tableBytes <= enough) break;
      if (!name.startsWith(TABLE_PREFIX)) continue;
      this.#drop(name);
      shed += 1;
    }
    this.#shed(shed);
  }
}

function tableBytes(name: string, value: Uint8Array): number {
  return name.startsWith(TABLE_PREFIX) ? ENTRY_BYTES + 2 * name.length + value.length : 0;
}
