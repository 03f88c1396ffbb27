import { type MeshConfig, startMesh } from '@zerostate/mesh';
import { ok, type Result } from '@zerostate/shared';
import { fetchEdge } from '../adapters/edge-fetch.ts';
import { routerFile } from '../adapters/router-file.ts';
import type { NodePorts } from '../daemon.ts';
import type { MeshOfNode } from '../node.ts';
import { readKeyFile } from '../state/keys.ts';
import type { OpenState } from '../state/open.ts';
import type { MeshSettings } from './settings.ts';

/** The mesh of a node, on its own key and in the network of its edge; null where it is off. */
export async function meshOf(
  state: OpenState,
  settings: MeshSettings,
  ports: NodePorts,
): Promise<Result<MeshOfNode | null, string>> {
  if (!settings.isOn) return ok(null);
  const seed = await readKeyFile(state.folder);
  if (!seed.ok) return seed;
  const { allowPrivate } = settings;
  const { network } = state.pinned;
  const config = configOf(settings);
  return ok({
    allowPrivate,
    fetch: fetchEdge,
    launch: () =>
      startMesh({
        seed: seed.value,
        network,
        config,
        ports: { ...ports, routerMemory: routerFile(state.folder) },
      }),
  });
}

function configOf({ listen, bootstrap, relays, mdns, allowPrivate }: MeshSettings): MeshConfig {
  return {
    listen,
    bootstrap,
    relays,
    mdns,
    allowPrivate,
    // Who is reached through relays alone is no good keeper of the table.
    isDhtServer: listen.length > 0 && relays.length === 0,
  };
}
