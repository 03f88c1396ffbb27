/** Publishes cards through the real route, as honest publishers would: signed, funded, in turn. */
import type { CardDocument } from '@zerostate/discovery';
import {
  type AgentCard,
  buildAgentCard,
  CARDS_PER_DID_MAX,
  createSigner,
  encodeBase64url,
  type Signer,
  sha256,
  signCard,
  signRequest,
  utf8,
} from '@zerostate/shared';
import { freshNonce, METER, MODULE, makeRecord } from '../apps/edge/test-support/documents.ts';
import { readNetwork } from '../apps/edge/test-support/job.ts';

const AT_ONCE = 8;
const DAY_MS = 86_400_000;

/** The A2A card of a labelled document: its parameters are the tags of its one skill. */
export function agentCardOf(document: CardDocument): AgentCard {
  const [skill] = document.skills;
  if (skill === undefined) throw new Error('a document without a skill');
  const tags = [...document.tags, ...(skill.tags ?? [])];
  return buildAgentCard({
    name: document.name,
    description: document.description,
    version: '1.0.0',
    url: 'http://edge.test/v1/tasks',
    skills: [
      {
        id: skill.id,
        name: skill.name,
        description: skill.description ?? '',
        tags: tags.filter((tag) => tag !== '').map((tag) => tag.slice(0, 64)),
      },
    ],
    params: {
      meter: METER,
      price: { base: '1000', per_mgas: '10', per_page: '1' },
      limits: {
        gas_max: '1000000000',
        pages_max: '1024',
        wall_ms_max: '10000',
        input_max: '1048576',
        output_max: '1048576',
      },
      regions: [...document.regions],
      mesh: [],
      programs: [{ skill: skill.id, module: MODULE, abi: 'wasi', input: [], output: [] }],
    },
  });
}

/** `count` funded publishers, the same for the same name. */
export async function publishers(url: string, name: string, count: number): Promise<Signer[]> {
  const signers: Signer[] = [];
  for (let i = 0; i < count; i++) {
    const signer = await createSigner(sha256(utf8(`${name} ${i}`)));
    const target = `${url}/v1/faucet`;
    const body = utf8(JSON.stringify({ amount: '1000000' }));
    const about = { method: 'POST', url: target, body, now: Date.now(), nonce: freshNonce() };
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': encodeBase64url(sha256(utf8(`fund ${name} ${i}`))),
      ...(await signRequest({ ...about, signer })),
    };
    const response = await fetch(target, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(`faucet: ${response.status} ${await response.text()}`);
    signers.push(signer);
  }
  return signers;
}

/** Each document as one published card; agent `d<i>` is the document `i`. */
export async function publishAll(
  url: string,
  name: string,
  documents: readonly CardDocument[],
): Promise<void> {
  const { network } = await readNetwork(url);
  const signers = await publishers(url, name, Math.ceil(documents.length / CARDS_PER_DID_MAX));
  let next = 0;
  const work = async () => {
    for (let i = next++; i < documents.length; i = next++) {
      const [document, signer] = [documents[i], signers[Math.floor(i / CARDS_PER_DID_MAX)]];
      if (document === undefined || signer === undefined) throw new Error(`no document ${i}`);
      const card = await signCard({ ...agentCardOf(document) }, signer);
      const now = Date.now();
      const about = { now, agent: `d${i}`, expires_at: String(now + DAY_MS) };
      const record = await makeRecord(network, signer, card, about);
      const response = await fetch(`${url}/v1/cards`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ card, record }),
      });
      if (response.status !== 201) {
        throw new Error(`document ${i}: ${response.status} ${await response.text()}`);
      }
      await response.body?.cancel();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
