/** @zerostate/sdk/mesh: a caller without an edge, on Node. */
import { isNetworkId } from '@zerostate/shared';
import { keepNetwork, readNetwork } from './adapters/network-file.ts';
import type { Client } from './client/connect.ts';
import { type Failure, fail } from './client/context.ts';
import { connectMesh, type MeshConnectOptions, type OwnNode } from './mesh/connect-mesh.ts';
import { type StateOptions, withState } from './node.ts';

export {
  connectMesh,
  type GivenNode,
  type MeshConnectOptions,
  type OwnNode,
} from './mesh/connect-mesh.ts';
export * from './node.ts';

export type MeshStateOptions = StateOptions &
  Omit<OwnNode, 'seed'> & {
    /** The network's id; the folder's own where it has one, else the first that is met. */
    network?: string | undefined;
  };

/**
 * Connects over the mesh with the key and the wallet of a state folder. The network of the first
 * time is kept there (`network.json`), and no other is spoken to from then on.
 */
export async function connectMeshFromState(
  folder: string,
  options: MeshStateOptions,
): Promise<{ ok: true; value: Client } | Failure> {
  const { network: named } = options;
  if (named !== undefined && !isNetworkId(named)) return fail('network-invalid', named);
  const kept = await readNetwork(folder);
  if (!kept.ok) return kept;
  if (kept.value !== null && named !== undefined && kept.value.network !== named) {
    return fail('network-differs', `this folder belongs to ${kept.value.network}`);
  }
  const network: MeshConnectOptions['network'] = kept.value ?? named;
  return withState(folder, options, async (state) => {
    const client = await connectMesh({ ...options, ...state, network });
    if (client.ok && kept.value === null) await keepNetwork(folder, client.value.network);
    return client;
  });
}
