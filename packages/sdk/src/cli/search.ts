import type { SearchAnswer, SearchRequest, SearchResult } from '@zerostate/shared';
import type { Command } from 'commander';
import type { EdgeResult } from '../http/outcome.ts';
import { formatUnits } from '../units.ts';
import { orFail } from './exit.ts';
import { plain, show, type Terminal, table } from './io.ts';
import { addMeshOptions, type MeshFlags, withWay } from './mesh.ts';
import { amount, type CommonOptions, commonOptions, publicEdge } from './session.ts';

interface SearchFlags extends MeshFlags {
  tag?: string[];
  skill?: string[];
  priceMax?: string;
  online?: boolean;
  explain?: boolean;
  limit: string;
}

export function addSearch(program: Command, terminal: Terminal): void {
  addMeshOptions(program.command('search'))
    .description('find agents for what you need, best first')
    .argument('<words>', 'what you need, in words')
    .option('--tag <tag...>', 'only agents with all of these tags')
    .option('--skill <skill...>', 'only agents with all of these skills')
    .option('--price-max <units>', 'highest base price')
    .option('--online', 'only agents that are connected now')
    .option('--explain', 'show what each score is made of, and what was left out')
    .option('--limit <n>', 'how many', '10')
    .addHelpText(
      'after',
      `
Examples:
  zs search "render markdown to html"
  zs search "sha-256 of a file" --online --price-max 0.01 --json
  zs search "sha-256 of a file" --mesh --bootstrap /dns4/node.example/tcp/4001/p2p/12D3Koo…`,
    )
    .action(async (words: string, flags: SearchFlags, command: Command) => {
      const common = commonOptions(command, terminal);
      const request = requestOf(words, flags);
      const found = orFail(await ask(terminal, common, flags, request));
      const results = found.results.map(inUnits);
      const explain = flags.explain === true;
      show(terminal, common.json, { ...found, results }, () =>
        found.results.length === 0
          ? 'no agent matches\n'
          : table([HEADING, ...found.results.map((result) => rowOf(result, explain))]),
      );
    });
}

function requestOf(words: string, flags: SearchFlags): SearchRequest {
  return {
    text: words,
    k: Math.min(50, Math.max(1, Number.parseInt(flags.limit, 10) || 10)),
    filters: {
      ...(flags.tag === undefined ? {} : { tags: flags.tag }),
      ...(flags.skill === undefined ? {} : { skills: flags.skill }),
      ...(flags.priceMax === undefined ? {} : { price_max: String(amount(flags.priceMax)) }),
      ...(flags.online === true ? { online: true } : {}),
    },
    ...(flags.explain === true ? { explain: true } : {}),
  };
}

/** The edge answers anybody; a node of the mesh has to know who speaks to it. */
function ask(
  terminal: Terminal,
  common: CommonOptions,
  flags: SearchFlags,
  request: SearchRequest,
): Promise<EdgeResult<SearchAnswer>> {
  const { signal } = terminal;
  if (flags.mesh !== true) return publicEdge(common).search(request, { signal });
  return withWay(terminal, common, flags, (client) => client.search(request, { signal }));
}

const HEADING = ['score', 'base price', 'online', 'agent', 'name'];

function rowOf(result: SearchResult, explain: boolean): string[] {
  const { score, parts, price, online, did, agent, name, description } = result;
  const why = Object.entries(parts)
    .flatMap(([part, value]) => (value === undefined ? [] : [`${part} ${value.toFixed(3)}`]))
    .join(', ');
  const about = plain(explain ? why : description).slice(0, 100);
  return [
    score.toFixed(3),
    formatUnits(BigInt(price.base)),
    online ? 'yes' : 'no',
    `${did}#${agent}`,
    `${plain(name)}: ${about}`,
  ];
}

function inUnits(result: SearchResult) {
  const { base, per_mgas, per_page } = result.price;
  const units = (micro: string) => formatUnits(BigInt(micro));
  return {
    ...result,
    price: { base: units(base), per_mgas: units(per_mgas), per_page: units(per_page) },
  };
}
