/** What a caller must know before it signs anything, and the edge's own agent card. */
import {
  A2A_VERSION,
  type NetworkAnswer,
  networkAnswerSchema,
  type Signer,
  signCard,
  TASK_BINDING,
} from '@zerostate/shared';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import type { StoredGenesis } from '../ledger/genesis.ts';
import type { Clock } from '../ports.ts';

export type NetworkDeps = {
  clock: Clock;
  genesis: StoredGenesis;
  edgeSigner: Signer;
  origins: readonly string[];
  arbiters: readonly string[];
  faucet: boolean;
  version: string;
};

export function networkRoutes(deps: NetworkDeps & RouterDeps): Router {
  const router = createRouter(deps);
  router.add(
    {
      method: 'get',
      path: '/v1/network',
      tag: 'network',
      summary: 'The network, its genesis and this edge',
      answers: { 200: { description: 'The network', schema: networkAnswerSchema } },
    },
    (c) => c.json(networkAnswer(deps, originOf(c.req.url, deps.origins)), 200, NO_STORE),
  );
  const cards = new Map<string, Promise<string>>();
  router.add(
    {
      method: 'get',
      path: '/.well-known/agent-card.json',
      tag: 'network',
      summary: 'The edge as an A2A agent',
      answers: { 200: { description: 'An A2A AgentCard, signed with EDGE_KEY' } },
    },
    async (c) => {
      const origin = originOf(c.req.url, deps.origins);
      const text = cards.get(origin) ?? edgeCard(deps, origin);
      // One for each configured origin; a loopback edge meets a few names of its own.
      if (cards.size < 16) cards.set(origin, text);
      c.header('content-type', 'application/json');
      c.header('cache-control', 'public, max-age=300');
      return c.body(await text, 200);
    },
  );
  return router;
}

const NO_STORE = { 'cache-control': 'no-store' };

function originOf(url: string, origins: readonly string[]): string {
  return origins[0] ?? new URL(url).origin;
}

function networkAnswer(deps: NetworkDeps, origin: string): NetworkAnswer {
  const { genesis } = deps;
  return {
    network: genesis.network,
    genesis: {
      ledger: genesis.ledger,
      asset: genesis.asset,
      kind: genesis.kind,
      created_at: String(genesis.createdAt),
    },
    edge_did: deps.edgeSigner.did,
    origins: deps.origins.length === 0 ? [origin] : [...deps.origins],
    arbiters: [...deps.arbiters],
    faucet: deps.faucet,
    now: deps.clock.now(),
    version: deps.version,
  };
}

async function edgeCard(deps: NetworkDeps, origin: string): Promise<string> {
  const card = {
    name: 'ZeroState edge',
    description:
      'Finds agents and WASM programs, carries tasks to their executors and settles what they cost.',
    version: deps.version,
    supportedInterfaces: [
      { url: `${origin}/v1/tasks`, protocolBinding: TASK_BINDING, protocolVersion: A2A_VERSION },
    ],
    documentationUrl: `${origin}/docs`,
    capabilities: { streaming: false, pushNotifications: false },
    defaultInputModes: ['application/json'],
    defaultOutputModes: ['application/json'],
    skills: [
      {
        id: 'search',
        name: 'Find an agent',
        description: 'Ranks published agents by meaning, words, reputation, price and presence.',
        tags: ['search', 'discovery', 'agents'],
        examples: ['resize a picture', 'turn CSV into JSON'],
      },
      {
        id: 'run',
        name: 'Run a task',
        description: 'Carries a signed task to an executor and brings back its signed receipt.',
        tags: ['task', 'wasm', 'execution'],
      },
      {
        id: 'settle',
        name: 'Settle payments',
        description: 'Holds funds in channels and pays signed vouchers out of them.',
        tags: ['payment', 'settlement', 'ledger'],
      },
    ],
  };
  return JSON.stringify(await signCard(card, deps.edgeSigner));
}
