import type { RouteTable } from '@zerostate/mesh';
import { isDid } from '@zerostate/shared';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { ask } from './ask.ts';
import { must } from './exit.ts';
import { type Output, print, table } from './output.ts';

const hops = z.number().nullable();
const did = z.string().refine(isDid);
/** What a running daemon answers. */
const routesSchema: z.ZodType<RouteTable> = z.object({
  self: did,
  neighbours: z.array(
    z.object({
      did,
      isAlive: z.boolean(),
      waitMs: z.number(),
      rttMs: z.number().nullable(),
      health: z.enum(['healthy', 'suspected', 'condemned']).nullable(),
    }),
  ),
  destinations: z.array(
    z.object({
      did,
      hops,
      next: did.nullable(),
      why: z.enum(['neighbour', 'only-way', 'least-time', 'too-far', 'no-way']),
      candidates: z.array(
        z.object({
          did,
          hops,
          estimatedMs: z.number().nullable(),
          why: z.enum(['next', 'costlier', 'detour', 'failed', 'no-way']),
        }),
      ),
    }),
  ),
});

/** `routes`: the ways to other nodes of the mesh, and why each begins as it does. */
export async function routes(
  output: Output,
  options: { state: string; to?: string },
): Promise<void> {
  const to = options.to === undefined ? {} : { to: options.to };
  const known = routesSchema.parse(must(await ask(options.state, { command: 'routes', ...to })));
  print(output, known, () => tableOf(known));
}

export function withRoutes(command: Command): Command {
  return command
    .description('list the ways to other nodes of the mesh, and why each begins as it does')
    .option('--to <did>', 'only the ways to this node', didArgument);
}

function didArgument(text: string): string {
  if (isDid(text)) return text;
  throw new InvalidArgumentError('Not a DID.');
}

function tableOf({ neighbours, destinations }: RouteTable): string {
  const around = neighbours.map(({ did: peer, isAlive, health, rttMs, waitMs }) => [
    peer,
    isAlive ? (health ?? 'new') : 'failed',
    rttMs === null ? '' : ms(rttMs),
    ms(waitMs),
  ]);
  const ways = destinations.flatMap((route) => {
    const first = [route.did, route.hops === null ? '-' : String(route.hops), route.why];
    const rows = route.candidates.map((candidate, i) => [
      ...(i === 0 ? first : ['', '', '']),
      candidate.did,
      candidate.why,
      candidate.estimatedMs === null ? '' : ms(candidate.estimatedMs),
    ]);
    return rows.length === 0 ? [[...first, '', '', '']] : rows;
  });
  return [
    table(['NEIGHBOUR', 'HEALTH', 'ROUND TRIP', 'WAIT'], around),
    '',
    table(['TO', 'HOPS', 'WAY', 'BY', 'WHY', 'ESTIMATED'], ways),
  ].join('\n');
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
