/** Options of commands that also work over the mesh, without an edge. */
import type { Command } from 'commander';
import type { OnProgress } from '../client/progress.ts';
import type { Client } from '../node.ts';
import { CommandFailure, orFail } from './exit.ts';
import type { Terminal } from './io.ts';
import { type CommonOptions, clientOf, withOpened } from './session.ts';

export interface MeshFlags {
  mesh?: boolean;
  bootstrap?: string[];
  network?: string;
  mdns?: boolean;
  allowPrivate?: boolean;
}

export function addMeshOptions(command: Command): Command {
  const collect = (address: string, before: string[] = []) => [...before, address];
  return command
    .option('--mesh', 'ask the nodes of the mesh, and no edge')
    .option(
      '--bootstrap <multiaddr>',
      'a node to start from, with its /p2p/ID; once for each (ZS_BOOTSTRAP, separated by commas)',
      collect,
    )
    .option('--network <id>', 'the network; the one of the first time when left out')
    .option('--mdns', 'find nodes on the local network')
    .option('--allow-private', 'dial private addresses that others name');
}

/** Works with a client over the mesh where that is asked for, else over the edge. */
export async function withWay<T>(
  terminal: Terminal,
  common: CommonOptions,
  flags: MeshFlags,
  work: (client: Client) => Promise<T>,
  onProgress?: OnProgress,
): Promise<T> {
  if (flags.mesh !== true) {
    const [misplaced] = ['bootstrap', 'network', 'mdns', 'allowPrivate'].filter(
      (name) => name in flags,
    );
    if (misplaced === undefined) return withOpened(terminal, clientOf(common, onProgress), work);
    throw new CommandFailure('usage', `--${dashed(misplaced)} goes with --mesh`);
  }
  // libp2p takes its time to load: nobody else waits for it.
  const { connectMeshFromState } = await import('../mesh.ts');
  const connecting = connectMeshFromState(common.state, {
    bootstrap: flags.bootstrap ?? listed(terminal.env.ZS_BOOTSTRAP),
    mdns: flags.mdns,
    allowPrivate: flags.allowPrivate,
    network: flags.network ?? terminal.env.ZS_NETWORK,
    onProgress,
  });
  return withOpened(terminal, connecting.then(orFail), work);
}

function listed(text: string | undefined): string[] {
  return (text ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
