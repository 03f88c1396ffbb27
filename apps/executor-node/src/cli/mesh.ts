import type { Command } from 'commander';
import type { MeshChange } from '../mesh/settings.ts';

export type MeshArguments = {
  mesh?: boolean;
  meshListen?: string[];
  bootstrap?: string[];
  relay?: string[];
  mdns?: boolean;
  allowPrivate?: boolean;
};

/** What is given here is kept in the state folder and holds until it is given otherwise. */
export function withMesh(start: Command): Command {
  const collect = (value: string, known: string[] | undefined) => [...(known ?? []), value];
  return start
    .option('--mesh', 'take part in the mesh: be found and reached without the edge')
    .option('--no-mesh', 'take no part in the mesh any more')
    .option('--mesh-listen <address>', 'multiaddr to listen on; repeatable', collect)
    .option('--bootstrap <address>', 'full address of a node to start from; repeatable', collect)
    .option('--relay <address>', 'full address of a relay to be reached through', collect)
    .option('--mdns', 'find nodes of the local network')
    .option('--no-mdns', 'do not')
    .option('--allow-private', 'dial and tell private addresses: a network of your own')
    .option('--no-allow-private', 'do not');
}

export function meshChange(o: MeshArguments): MeshChange {
  const { mesh, meshListen, bootstrap, relay, mdns, allowPrivate } = o;
  return {
    ...(mesh === undefined ? {} : { isOn: mesh }),
    ...(meshListen === undefined ? {} : { listen: meshListen }),
    ...(bootstrap === undefined ? {} : { bootstrap }),
    ...(relay === undefined ? {} : { relays: relay }),
    ...(mdns === undefined ? {} : { mdns }),
    ...(allowPrivate === undefined ? {} : { allowPrivate }),
  };
}
