/** @zerostate/sdk/node: what a caller on Node, Bun or Deno has beside the browser's SDK. */
import { join } from 'node:path';
import { readKeyFile } from './adapters/key-file.ts';
import { createModuleFolder } from './adapters/module-folder.ts';
import { createNativeSigner } from './adapters/native-signer.ts';
import { createOrderFolder } from './adapters/order-folder.ts';
import { createSandboxRerun } from './adapters/sandbox-rerun.ts';
import { type Client, type ClientOptions, type ConnectOptions, connect } from './client/connect.ts';
import { type Failure, fail } from './client/context.ts';
import { createInProcessRerun } from './verify/rerun.ts';
import { openFileStore, WalletFileError } from './wallet/adapters/file-store.ts';
import type { WalletStore } from './wallet/store.ts';

export { type FileClientOptions, openFileClient } from './adapters/file-client.ts';
export { createKeyFile, type KeyFileCode, keyPath, readKeyFile } from './adapters/key-file.ts';
export { createModuleFolder } from './adapters/module-folder.ts';
export { createNativeSigner } from './adapters/native-signer.ts';
export { createOrderFolder } from './adapters/order-folder.ts';
export { createSandboxRerun } from './adapters/sandbox-rerun.ts';
export * from './index.ts';
export { openFileStore, WalletFileError } from './wallet/adapters/file-store.ts';

export type StateOptions = Omit<ConnectOptions, 'store'>;

/**
 * Connects with the key and the wallet of a state folder (`key`, `wallet.db`, `modules/`). Answers
 * first for what an earlier process left open there.
 */
export async function connectFromState(
  edgeUrl: string,
  folder: string,
  options: StateOptions = {},
): Promise<{ ok: true; value: Client } | Failure> {
  return withState(folder, options, async ({ seed, ...state }) => {
    const identity = await createNativeSigner(seed);
    return connect(edgeUrl, identity, { ...options, ...state });
  });
}

/** What a state folder holds, opened. */
export interface OpenState extends Required<Pick<ClientOptions, 'modules' | 'orders' | 'rerun'>> {
  seed: Uint8Array;
  store: WalletStore;
}

/** Opens a state folder for a client, and closes it again where none comes of it. */
export async function withState(
  folder: string,
  options: Pick<ClientOptions, 'modules' | 'orders' | 'rerun'>,
  connectWith: (state: OpenState) => Promise<{ ok: true; value: Client } | Failure>,
): Promise<{ ok: true; value: Client } | Failure> {
  const seed = await readKeyFile(folder);
  if (!seed.ok) return seed;
  const store = await openStore(join(folder, 'wallet.db'));
  if ('code' in store) return store;
  const rerun = options.rerun ?? nodeRerun();
  const modules = options.modules ?? createModuleFolder(join(folder, 'modules'));
  const orders = options.orders ?? createOrderFolder(join(folder, 'orders'));
  const client = await connectWith({ seed: seed.value, store, rerun, modules, orders });
  if (client.ok) return client;
  await rerun.close();
  await store.close();
  return client;
}

async function openStore(path: string) {
  try {
    return await openFileStore(path);
  } catch (error) {
    if (error instanceof WalletFileError) return fail('wallet-unreadable', error.message);
    throw error;
  }
}

/** A process of its own where the sandbox runs; Bun and Deno re-run in theirs. */
function nodeRerun() {
  const isNode = !('bun' in process.versions || 'deno' in process.versions);
  return isNode ? createSandboxRerun() : createInProcessRerun();
}
