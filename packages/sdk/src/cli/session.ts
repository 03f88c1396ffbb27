import { resolve } from 'node:path';
import { createSigner, type Signer } from '@zerostate/shared';
import type { Command } from 'commander';
import { readKeyFile } from '../adapters/key-file.ts';
import type { OnProgress } from '../client/progress.ts';
import { createEdgeClient, type EdgeClient } from '../edge-client.ts';
import { type Client, connectFromState } from '../node.ts';
import { parseUnits } from '../units.ts';
import { CommandFailure, orFail } from './exit.ts';
import type { Terminal } from './io.ts';

export const EDGE_DEFAULT = 'http://127.0.0.1:8787';
export const STATE_DEFAULT = './.zerostate/caller';

/** Options that every command has. */
export interface CommonOptions {
  json: boolean;
  edge: string;
  state: string;
}

export function commonOptions(command: Command, terminal: Terminal): CommonOptions {
  const { json, edge, state } = command.optsWithGlobals<{
    json?: boolean;
    edge?: string;
    state?: string;
  }>();
  return {
    json: json === true,
    edge: edgeUrl(edge ?? terminal.env.ZS_EDGE ?? EDGE_DEFAULT),
    state: resolve(state ?? terminal.env.ZS_STATE ?? STATE_DEFAULT),
  };
}

function edgeUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new CommandFailure('edge-url-invalid', `${text}: the edge is an http or https URL`);
  }
  return text;
}

/** An edge for public reads: no key is needed. */
export function publicEdge({ edge }: CommonOptions): EdgeClient {
  return createEdgeClient({ url: edge });
}

/** The key of the state folder. */
export async function signerOf({ state }: CommonOptions): Promise<Signer> {
  return createSigner(orFail(await readKeyFile(state)));
}

/** An edge that is asked in somebody's name. */
export function signedEdge({ edge }: CommonOptions, signer: Signer): EdgeClient {
  return createEdgeClient({ url: edge, signer });
}

/** A client of the edge, with the key and the wallet of the state folder. */
export async function clientOf(options: CommonOptions, onProgress?: OnProgress): Promise<Client> {
  return orFail(await connectFromState(options.edge, options.state, { onProgress }));
}

export function withClient<T>(
  terminal: Terminal,
  options: CommonOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  return withOpened(terminal, clientOf(options), work);
}

/**
 * Works with a client, and closes it. Whatever an earlier command left open was answered for when it
 * was connected, and is said on standard error.
 */
export async function withOpened<T>(
  terminal: Terminal,
  opening: Promise<Client>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await opening;
  try {
    for (const { task, state, agent, code } of client.recovered) {
      if (state === 'open' || state === 'withdrawn') continue;
      const why = code === undefined ? '' : ` (${code})`;
      terminal.err(`task ${task} of ${agent.agent}, left open before: ${state}${why}`);
    }
    return await work(client);
  } finally {
    await client.close();
  }
}

/** An amount option, in units. */
export function amount(text: string): bigint {
  return orFail(parseUnits(text));
}
