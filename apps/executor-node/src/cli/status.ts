import { z } from 'zod';
import { ask } from './ask.ts';
import { must } from './exit.ts';
import { type Output, print, units } from './output.ts';

const statusSchema = z.looseObject({
  running: z.boolean(),
  did: z.string(),
  edge: z.string(),
  network: z.string(),
  link: z.object({ state: z.string(), problem: z.string().nullable() }),
  sandbox: z.object({ mode: z.string() }).nullable(),
  queue: z.object({ queue: z.number(), running: z.number(), capacity: z.number() }).nullable(),
  cards: z.array(z.object({ agent: z.string(), state: z.string() })),
  channels: z.number(),
  outbox: z.number(),
  held: z.string(),
  redeemed: z.string(),
});

/** `status`: how the node is. Exit code 0 also when it is stopped: it answered. */
export async function status(output: Output, options: { state: string }): Promise<void> {
  const answer = must(await ask(options.state, { command: 'status' }));
  const known = statusSchema.parse(answer);
  print(output, answer, () => {
    const { link, sandbox, queue, cards } = known;
    const problem = link.problem === null ? '' : ` (${link.problem})`;
    const tasks = queue === null ? 'stopped' : `${queue.running} running, ${queue.queue} waiting`;
    return [
      `did       ${known.did}`,
      `edge      ${known.edge} (${known.network})`,
      `link      ${link.state}${problem}`,
      `sandbox   ${sandbox?.mode ?? 'stopped'}`,
      `tasks     ${tasks}`,
      `cards     ${cards.map(({ agent, state }) => `${agent} (${state})`).join(', ') || 'none'}`,
      `channels  ${known.channels} open`,
      `outbox    ${known.outbox} waiting`,
      `held      ${units(known.held)}`,
      `redeemed  ${units(known.redeemed)}`,
    ].join('\n');
  });
}
