/** How a node takes part in the mesh: asked for once, kept in its state until asked otherwise. */
import { isAddress, isPeerAddress } from '@zerostate/mesh';
import { err, ok, type Result } from '@zerostate/shared';
import { z } from 'zod';
import { type Database, type Statement, sql } from '../state/database.ts';
import { readNode } from '../state/store.ts';

export const meshSettingsSchema = z.strictObject({
  isOn: z.boolean(),
  /** Multiaddrs; none: dial only. */
  listen: z.array(z.string()),
  /** Full addresses of nodes to start from, and of relays to be reached through. */
  bootstrap: z.array(z.string()),
  relays: z.array(z.string()),
  mdns: z.boolean(),
  allowPrivate: z.boolean(),
});
export type MeshSettings = z.infer<typeof meshSettingsSchema>;

/** What a command line asks to be different. */
export type MeshChange = Partial<MeshSettings>;

const OFF: MeshSettings = {
  isOn: false,
  // Free ports: relays and the table tell others which.
  listen: ['/ip4/0.0.0.0/tcp/0', '/ip4/0.0.0.0/tcp/0/ws'],
  bootstrap: [],
  relays: [],
  mdns: false,
  allowPrivate: false,
};

/** What is kept, with the changes that are asked for; an address that is none is refused. */
export async function changeMeshSettings(
  database: Database,
  change: MeshChange,
): Promise<Result<MeshSettings, 'address-invalid'>> {
  const settings = { ...(await readMeshSettings(database)), ...change };
  for (const address of settings.listen) {
    if (!isAddress(address)) return err('address-invalid', `--mesh-listen ${address}`);
  }
  const peers = [
    ...settings.bootstrap.map((address) => ['--bootstrap', address] as const),
    ...settings.relays.map((address) => ['--relay', address] as const),
  ];
  const wrong = peers.find(([, address]) => !isPeerAddress(address));
  if (wrong !== undefined) {
    const hint = 'a full address is needed, as /dns4/HOST/tcp/PORT/ws/p2p/PEER';
    return err('address-invalid', `${wrong.join(' ')}: ${hint}`);
  }
  await database.write([saveMeshSettings(settings)]);
  return ok(settings);
}

export async function readMeshSettings(database: Database): Promise<MeshSettings> {
  const kept = (await readNode(database))?.mesh ?? null;
  return kept === null ? OFF : meshSettingsSchema.parse(JSON.parse(kept));
}

function saveMeshSettings(settings: MeshSettings): Statement {
  return sql('UPDATE node SET mesh = ?', JSON.stringify(settings));
}
