import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  type CardDocument,
  CardIndex,
  type CardSkill,
  cardText,
  ngramHash384,
} from '@zerostate/discovery';
import { loadEncoder } from '@zerostate/discovery/encoder/load';
import { beforeAll, expect, test } from 'vitest';
import { ensureEncoder } from '../../../packages/discovery/scripts/build-encoder.ts';
import { termsOf } from '../../../packages/discovery/src/lexical/analyzer.ts';

const AGENTS = new URL('../../../agents/', import.meta.url);
const PAGE = new URL('../../../docs/paraphrases.md', import.meta.url);
const FIRST = 3;
const ROW = /^\| (?!request|-)(.+) \| (.+) \|$/gm;

interface AgentFile {
  readonly agent: string;
  readonly name: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly skills: readonly CardSkill[];
}

function cardOf(file: URL): CardDocument {
  // Checked border: `agents/test` holds these files to their schema.
  const { agent, ...said } = JSON.parse(readFileSync(file, 'utf8')) as AgentFile;
  return {
    ...{ key: `did:key:z#${agent}`, did: 'did:key:z', agent, ...said },
    regions: [],
    price: { base: 0n, perMgas: 0n, perPage: 0n },
    cardSha256: agent,
    expiresAt: Number.MAX_SAFE_INTEGER,
  };
}

const cards = readdirSync(AGENTS)
  .map((name) => new URL(`${name}/agent.json`, AGENTS))
  .filter((file) => existsSync(file))
  .map(cardOf);
const rows = [...readFileSync(PAGE, 'utf8').matchAll(ROW)].map(([, request = '', agent = '']) => ({
  request,
  agent,
}));

let index: CardIndex;

beforeAll(async () => {
  await ensureEncoder();
  const answer = await loadEncoder();
  if (!answer.ok) throw new Error(answer.detail);
  const { encoder } = answer;
  index = new CardIndex({ embedder: ngramHash384, semantic: encoder });
  await index.upsertAll(cards);
  await index.attach(
    cards.map((card) => ({
      key: card.key,
      cardSha256: card.cardSha256,
      vectors: encoder.vectors(cardText(card)),
    })),
  );
});

test('the page has fifty different requests', () => {
  expect(new Set(rows.map(({ request }) => request)).size).toBe(50);
});

test('no request shares a content word with the card it should find', () => {
  const shared = rows.flatMap(({ request, agent }) => {
    const card = cards.find((one) => one.agent === agent);
    if (card === undefined) return [agent];
    const own = new Set(termsOf(cardText(card), Number.MAX_SAFE_INTEGER));
    return termsOf(request, request.length).filter((term) => own.has(term));
  });
  expect(shared).toEqual([]);
});

test('what is asked in other words is among the first three', async () => {
  const lost: string[] = [];
  for (const { request, agent } of rows) {
    const answer = await index.search({ text: request, k: FIRST, now: 0 });
    const found = answer.ok ? answer.results.map((result) => result.agent) : [];
    if (!found.includes(agent)) lost.push(`${request}: ${found.join()} without ${agent}`);
  }
  expect(lost).toEqual([]);
});
