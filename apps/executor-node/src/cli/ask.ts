import { createEdgeClient } from '@zerostate/sdk';
import { createVerifier, err, ok, type Result } from '@zerostate/shared';
import { askControl } from '../adapters/control-socket.ts';
import { openDatabase } from '../adapters/database.ts';
import { createLog } from '../adapters/log.ts';
import { createAdmission } from '../adapters/sandbox.ts';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { CardCatalog } from '../agents/catalog.ts';
import { arbiterStatus } from '../arbiter/status.ts';
import { type Command, execute } from '../commands.ts';
import { readHolder } from '../state/lock.ts';
import { type OpenState, openState } from '../state/open.ts';
import { readRole, takeRole } from '../state/role.ts';
import { Book } from '../wallet/book.ts';
import { DEFAULT_EXPOSURE, type WalletContext } from '../wallet/context.ts';
import { Desk } from '../wallet/desk.ts';
import { Closer } from '../wallet/proposals.ts';
import { Redeemer } from '../wallet/redeem.ts';

/** A node that starts opens its control socket within this. */
const STARTING_MS_MAX = 10_000;
const POLL_MS = 100;

/**
 * Carries a command out where the state is: by the daemon that holds it, or here, with the state
 * locked for as long as it takes.
 */
export async function ask(folder: string, command: Command): Promise<Result<unknown, string>> {
  const deadline = systemClock.now() + STARTING_MS_MAX;
  for (;;) {
    const state = await openState(folder, { clock: systemClock, openDatabase, pid: process.pid });
    if (state.ok) return executeHere(state.value, command);
    if (state.code !== 'state-locked') return state;
    const holder = await readHolder(folder);
    if (holder !== null && holder.control !== null) {
      const answer = await askControl(holder.control, command);
      // Stopped in between, or killed: then the state is free now.
      if (answer.ok || answer.code !== 'node-silent') return answer;
    }
    if (systemClock.now() > deadline) return err(state.code, state.detail);
    await new Promise<void>((resolve) => systemTimers.after(POLL_MS, resolve));
  }
}

async function executeHere(state: OpenState, command: Command): Promise<Result<unknown, string>> {
  if ((await readRole(state.database)) === 'arbiter') return executeAsArbiter(state, command);
  if (command.command === 'card-add') await takeRole(state, 'executor');
  const { database, pinned, signer } = state;
  const clock = systemClock;
  const catalog = new CardCatalog(database, clock);
  const edge = createEdgeClient({
    url: pinned.edge,
    signer,
    clock,
    rng: systemRng,
    timers: systemTimers,
  });
  const sandbox = createAdmission();
  const log = createLog('warn');
  try {
    const wallet: WalletContext = {
      database,
      book: new Book(database),
      edge,
      pinned,
      signer,
      verifier: createVerifier(),
      clock,
      log,
      exposure: DEFAULT_EXPOSURE,
      cheapestBase: () => 0n,
      kick: () => undefined,
    };
    await wallet.book.load();
    const redeemer = new Redeemer(wallet);
    const closer = new Closer(wallet, redeemer);
    return await execute(
      {
        publish: { database, edge, pinned, signer, sandbox, catalog, clock, log, addresses: [] },
        desk: new Desk(wallet, { redeemer, closer, rng: systemRng }),
        via: 'http',
        published: () => undefined,
        running: () => null,
        routes: () => null,
      },
      command,
    );
  } finally {
    await state.close();
  }
}

async function executeAsArbiter(
  { database, pinned, folder, close }: OpenState,
  { command }: Command,
): Promise<Result<unknown, string>> {
  try {
    if (command === 'status') return ok(await arbiterStatus(database, pinned, null));
    return err('role-wrong', `${folder} is an arbiter: it has no cards, channels or earnings`);
  } finally {
    await close();
  }
}
