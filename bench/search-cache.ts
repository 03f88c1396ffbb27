/** What the search bench keeps between runs, under bench/.cache. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CACHE = new URL('./.cache/', import.meta.url);

/** Where a file of this name is kept. */
export function cachePath(name: string): string {
  mkdirSync(CACHE, { recursive: true });
  return fileURLToPath(new URL(name, CACHE));
}

export function isCached(name: string): boolean {
  return existsSync(cachePath(name));
}

/** Kept bytes; written beside and then renamed, so that a stopped run leaves no half file. */
export function keep(name: string, bytes: Uint8Array | string): void {
  const path = cachePath(name);
  writeFileSync(`${path}.part`, bytes);
  renameSync(`${path}.part`, path);
}

export function kept(name: string): Buffer {
  return readFileSync(cachePath(name));
}

/** Bytes kept between runs; made once. */
export async function cached(name: string, make: () => Promise<Uint8Array>): Promise<Buffer> {
  if (!isCached(name)) keep(name, await make());
  return kept(name);
}

/** Three significant digits. */
export function round(value: number): number {
  return Number(value.toPrecision(3));
}
