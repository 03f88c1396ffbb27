import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type CardDocument, type CardSkill, cardText } from '@zerostate/discovery';

const AGENTS = new URL('../agents/', import.meta.url);

/** The fields of agents/NAME/agent.json that are searched. */
interface AgentFile {
  readonly agent: string;
  readonly name: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly skills: readonly CardSkill[];
}

/** The repository's own agents as cards of one publisher. */
export function agentCards(): CardDocument[] {
  const files = readdirSync(AGENTS)
    .map((name) => new URL(`${name}/agent.json`, AGENTS))
    .filter((file) => existsSync(file));
  return files.map((file) => {
    // Checked border: `agents/test` holds these files to their schema.
    const { agent, name, description, tags, skills } = JSON.parse(
      readFileSync(file, 'utf8'),
    ) as AgentFile;
    return {
      ...{ key: `did:key:repository#${agent}`, did: 'did:key:repository', agent },
      ...{ name, description, tags, skills },
      regions: [],
      price: { base: 0n, perMgas: 0n, perPage: 0n },
      cardSha256: agent,
      expiresAt: Number.MAX_SAFE_INTEGER,
    };
  });
}

export function cardTexts(): string[] {
  return agentCards().map(cardText);
}
