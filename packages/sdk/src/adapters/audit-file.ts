import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result, type Seal, sealSchema } from '@zerostate/shared';
import { z } from 'zod';

/** Seals that are kept: the newest of each audit, the oldest ones first. */
const SEALS_MAX = 1_000;

const schema = z.object({ network: z.string(), seals: z.array(sealSchema) });

/** Where a state folder keeps the seals that audits of a network saw. */
export function auditPath(folder: string, network: string): string {
  return join(folder, `audit-${network}.json`);
}

/** Seals of earlier audits; none where there was no audit yet. */
export async function readSeen(path: string): Promise<Result<Seal[], 'audit-file-invalid'>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ok([]);
    throw cause;
  }
  const read = schema.safeParse(parse(text));
  if (read.success) return ok(read.data.seals);
  // Never started over in silence: these seals are the only proof of an older journal.
  return err('audit-file-invalid', `${path} is not a list of seals: restore it, or move it away`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Adds a seal, in one piece: a crash leaves the old file or the new one. */
export async function keepSeal(
  path: string,
  network: string,
  seen: readonly Seal[],
  newest: Seal,
): Promise<void> {
  if (seen.some(({ to_seq: seq, head }) => seq === newest.to_seq && head === newest.head)) return;
  // The first one binds the beginning, the latest ones what came after.
  const kept = [...seen, newest];
  const seals = kept.length > SEALS_MAX ? [...kept.slice(0, 1), ...kept.slice(2)] : kept;
  const folder = join(path, '..');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  await writeFile(draft, `${JSON.stringify({ network, seals }, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
}
