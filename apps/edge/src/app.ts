/** The request path: middleware, then one line for each noun. */
import { encodeBase64url, type Signer, type Verifier } from '@zerostate/shared';
import { Hono } from 'hono';
import { accountRoutes } from './accounts/routes.ts';
import { blobRoutes } from './blobs/routes.ts';
import type { CardDeps } from './cards/publish.ts';
import { cardRoutes } from './cards/routes.ts';
import { channelRoutes } from './channels/routes.ts';
import { claimRoutes } from './claims/routes.ts';
import type { EdgeConfig } from './config.ts';
import { sweepDirectory } from './directory-sweep.ts';
import { createForwards, type Forwards } from './gateways/forwards.ts';
import { signedAnswers } from './http/answer-signature.ts';
import { addDocs, type DocsScript } from './http/docs.ts';
import type { EdgeEnv } from './http/env.ts';
import { answerTheRest, onError } from './http/errors.ts';
import { frame } from './http/frame.ts';
import { createIdempotency } from './http/idempotency.ts';
import { rowNonceStore } from './http/nonce-store.ts';
import { openapiDocument } from './http/openapi.ts';
import { createRateLimiter } from './http/rate-limit.ts';
import type { Router, RouterDeps } from './http/router.ts';
import type { LinkDeps } from './hub/link-session.ts';
import { linkRoutes } from './hub/routes.ts';
import type { StoredGenesis } from './ledger/genesis.ts';
import type { LedgerPorts } from './ledger/ports.ts';
import { ledgerRoutes } from './ledger/routes.ts';
import { createLedger, type Ledger } from './ledger/store.ts';
import { createMessageHandler } from './message-handler.ts';
import { networkRoutes } from './network/routes.ts';
import { healthRoutes } from './observe/health.ts';
import { metricsRoutes } from './observe/metrics-routes.ts';
import type { BlobStore, Clock, Database, Hub, Log, Metrics, Rng } from './ports.ts';
import { receiptRoutes } from './receipts/routes.ts';
import { reputationRoutes } from './reputation/routes.ts';
import { type Built, buildSnapshot } from './search/build.ts';
import { CardFeed } from './search/card-feed.ts';
import type { SearchPorts } from './search/ports.ts';
import { searchRoutes } from './search/routes.ts';
import { sweep } from './sweep/sweep.ts';
import { failOverdueTasks } from './tasks/deadline.ts';
import type { TaskDeps } from './tasks/deps.ts';
import { taskRecords } from './tasks/records.ts';
import { taskRoutes } from './tasks/routes.ts';

export type EdgePorts = {
  clock: Clock;
  rng: Rng;
  log: Log;
  metrics: Metrics;
  verifier: Verifier;
  ledger: Database;
  directory: Database;
  blobs: BlobStore;
  hub: Hub;
  search: SearchPorts;
  ledgerSigner: Signer;
  edgeSigner: Signer;
  genesis: StoredGenesis;
  docsScript: DocsScript;
  isDraining: () => boolean;
  version: string;
};

export type EdgeSettings = Pick<
  EdgeConfig,
  'origins' | 'operators' | 'arbiters' | 'trustedProxies' | 'rates' | 'faucet'
>;

export type Edge = {
  app: Hono<EdgeEnv>;
  feed: CardFeed;
  ledger: Ledger;
  tasks: TaskDeps;
  /** Messages whose receiver has no link, by way of gateway nodes. */
  forwards: Forwards;
  /** What time does to both databases; one worker at a time. */
  sweep(): Promise<void>;
  /** Writes a newer snapshot of the index when enough has changed; one worker at a time. */
  build(): Promise<Built>;
  /** What a link session needs; the entry adds the sockets. */
  links: LinkDeps;
};

/** One worker of the edge. It owns no socket, timer or process: the entry does. */
export function createApp(ports: EdgePorts, settings: EdgeSettings): Edge {
  const rooms = createRooms(ports, settings);
  const { cards, tasks, ledger, ledgerPorts, feed, router } = rooms;
  const { clock, hub } = ports;
  const { network } = ports.genesis;
  const forwards = createForwards({ ...ports, network, wake: (did) => hub.wake(did) });
  const app = new Hono<EdgeEnv>();
  app.use(
    frame({
      ...ports,
      addressRate: createRateLimiter(clock, settings.rates.address),
      trustedProxies: settings.trustedProxies,
    }),
  );
  app.use(signedAnswers(ports));
  app.onError(onError(ports.log));
  // Ports last: an entry may hand in its whole configuration as the settings.
  const deps = { ...settings, ...ports, ...router, feed, ledger };
  const published = (cardSha256: string, later?: (work: Promise<void>) => void) =>
    feed.published(later, cardSha256);
  const routers: Router[] = [
    networkRoutes(deps),
    cardRoutes({ ...cards, ...router, published }),
    searchRoutes({ feed, clock, embedder: ports.search.embedder, ...router }),
    accountRoutes(deps),
    channelRoutes(deps),
    claimRoutes(deps),
    taskRoutes({ ...tasks, ...router }),
    receiptRoutes(deps),
    reputationRoutes(deps),
    blobRoutes(deps),
    ledgerRoutes(deps),
    linkRoutes(router),
    healthRoutes({ ...deps, databases: { ledger: ports.ledger, directory: ports.directory } }),
    metricsRoutes(deps),
  ];
  for (const { app: routes } of routers) app.route('/', routes);
  const specs = routers.flatMap((each) => each.specs);
  const about = { version: ports.version, origins: settings.origins };
  addDocs(app, { specs, document: () => openapiDocument(specs, about), script: ports.docsScript });
  answerTheRest(app, specs);
  const links: LinkDeps = {
    ...tasks,
    ledger: ports.ledger,
    log: ports.log,
    edgeSigner: ports.edgeSigner,
    origins: settings.origins,
    handler: createMessageHandler({ cards, tasks, ledger, published }),
    rate: createRateLimiter(clock, settings.rates.link),
  };
  return {
    app,
    feed,
    ledger,
    tasks,
    links,
    forwards,
    sweep: createSweep(ports, ledgerPorts, { tasks, forwards }),
    build: createBuild(ports, feed),
  };
}

function createSweep(
  ports: EdgePorts,
  ledger: LedgerPorts,
  { tasks, forwards }: { tasks: TaskDeps; forwards: Forwards },
): () => Promise<void> {
  const { clock, directory, blobs, log } = ports;
  const holder = encodeBase64url(ports.rng.bytes(16));
  const failOverdue = (limit: number) => failOverdueTasks(tasks, clock.now(), limit);
  return async () => {
    const swept = await sweep({ ledger, failOverdue, holder });
    if (!swept.ran) return;
    await sweepDirectory({ directory, blobs }, clock.now());
    await forwards.sweep();
    log.debug('swept', swept);
  };
}

function createBuild(ports: EdgePorts, feed: CardFeed): () => Promise<Built> {
  const { besideCardsMax = Number.POSITIVE_INFINITY } = ports.search;
  return async () => {
    // No room for both: this worker is cold until the new one is there, and takes that one over.
    const alone = feed.size > besideCardsMax;
    const built = await buildSnapshot(ports, alone ? { starting: () => feed.release() } : {});
    if (built.outcome !== 'written') return built;
    const { rev, cards, builtAt, shards } = built.snapshot;
    const ms = ports.clock.now() - builtAt;
    ports.log.info('index snapshot written', { rev, cards, shards: shards.length, ms });
    if (alone) feed.adopt(built.held);
    return built;
  };
}

function createRooms(ports: EdgePorts, settings: EdgeSettings) {
  const { clock, directory, hub, metrics, verifier, log, genesis } = ports;
  const { network } = genesis;
  const { arbiters } = settings;
  const ledgerPorts: LedgerPorts = {
    database: ports.ledger,
    verifier,
    hub,
    metrics,
    tasks: taskRecords(directory),
    signer: ports.ledgerSigner,
    network,
    asset: genesis.asset,
    faucet: settings.faucet,
    operators: settings.operators,
    arbiters,
  };
  const ledger = createLedger(ledgerPorts);
  const cards: CardDeps = { directory, clock, verifier, network, ledger };
  const tasks: TaskDeps = {
    directory,
    clock,
    hub,
    metrics,
    verifier,
    network,
    ledger,
    arbiters,
  };
  const feed = new CardFeed({
    directory,
    clock,
    log,
    ledger: ports.ledger,
    search: ports.search,
    scores: (dids) => ledger.reputations(dids),
  });
  const router: RouterDeps = {
    signature: {
      clock,
      verifier,
      nonces: rowNonceStore(directory),
      origins: settings.origins,
      didRate: createRateLimiter(clock, settings.rates.did),
    },
    idempotency: createIdempotency(ledger),
  };
  return { ledgerPorts, ledger, cards, tasks, feed, router };
}
