import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  err,
  type NetworkAnswer,
  networkAnswerSchema,
  networkId,
  ok,
  type Result,
} from '@zerostate/shared';

function pathIn(folder: string): string {
  return join(folder, 'network.json');
}

/** The network that a state folder belongs to since its first use of the mesh; null before. */
export async function readNetwork(
  folder: string,
): Promise<Result<NetworkAnswer | null, 'network-file-invalid'>> {
  let text: string;
  try {
    text = await readFile(pathIn(folder), 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ok(null);
    throw cause;
  }
  const read = networkAnswerSchema.safeParse(parse(text));
  const isNetwork = read.success && networkId(read.data.genesis) === read.data.network;
  if (isNetwork) return ok(read.data);
  // Never started over in silence: whoever could make it unreadable could name another ledger.
  return err('network-file-invalid', `${pathIn(folder)}: remove it to trust the next network`);
}

/** Keeps it, in one piece. */
export async function keepNetwork(folder: string, network: NetworkAnswer): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${pathIn(folder)}.new`;
  await writeFile(draft, `${JSON.stringify(network, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, pathIn(folder));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
