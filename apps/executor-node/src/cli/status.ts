import { z } from 'zod';
import { ask } from './ask.ts';
import { must } from './exit.ts';
import { type Output, print, table, units } from './output.ts';

const anyone = {
  running: z.boolean(),
  did: z.string(),
  edge: z.string(),
  network: z.string(),
  link: z.object({ state: z.string(), problem: z.string().nullable() }),
  sandbox: z.object({ mode: z.string(), memory: z.string().optional() }).nullable(),
  outbox: z.number(),
};

const meshSchema = z.looseObject({
  state: z.string(),
  problems: z.array(z.string()),
  addresses: z.array(z.string()).optional(),
  peers: z.array(z.unknown()).optional(),
  relays: z.array(z.looseObject({ state: z.string() })).optional(),
});

const statusSchema = z.discriminatedUnion('role', [
  z.looseObject({
    ...anyone,
    role: z.literal('executor'),
    mesh: meshSchema.nullable(),
    queue: z.object({ queue: z.number(), running: z.number(), capacity: z.number() }).nullable(),
    cards: z.array(z.object({ agent: z.string(), state: z.string() })),
    channels: z.number(),
    held: z.string(),
    redeemed: z.string(),
  }),
  z.looseObject({
    ...anyone,
    role: z.literal('arbiter'),
    named: z.boolean().nullable(),
    judging: z.number(),
    disputes: z.record(z.string(), z.number()),
    cases: z.array(
      z.looseObject({
        claim: z.string(),
        state: z.string(),
        why: z.string().optional(),
        verdict: z.object({ verdict: z.string(), price: z.string() }).nullable(),
        outcome: z.string(),
        at: z.number(),
      }),
    ),
  }),
]);
type Status = z.infer<typeof statusSchema>;
type Of<R extends Status['role']> = Extract<Status, { role: R }>;

/** `status`: how the node is. Exit code 0 also when it is stopped: it answered. */
export async function status(output: Output, options: { state: string }): Promise<void> {
  const answer = must(await ask(options.state, { command: 'status' }));
  const known = statusSchema.parse(answer);
  print(output, answer, () =>
    known.role === 'arbiter' ? arbiterText(known) : executorText(known),
  );
}

function executorText(known: Of<'executor'>): string {
  const { queue, cards } = known;
  const tasks = queue === null ? 'stopped' : `${queue.running} running, ${queue.queue} waiting`;
  return [
    ...headOf(known),
    ...meshText(known.mesh),
    `tasks     ${tasks}`,
    `cards     ${cards.map(({ agent, state }) => `${agent} (${state})`).join(', ') || 'none'}`,
    `channels  ${known.channels} open`,
    `outbox    ${known.outbox} waiting`,
    `held      ${units(known.held)}`,
    `redeemed  ${units(known.redeemed)}`,
  ].join('\n');
}

function arbiterText(known: Of<'arbiter'>): string {
  const counts = Object.entries(known.disputes).map(([state, n]) => `${n} ${state}`);
  const named = known.named === null ? 'not known' : known.named ? 'yes' : 'no';
  const rows = known.cases.map(({ claim, state, why, verdict, outcome, at }) => [
    new Date(at).toISOString(),
    claim,
    why === undefined ? state : `${state}: ${why}`,
    verdict === null ? '' : `${verdict.verdict} at ${units(verdict.price)}`,
    outcome,
  ]);
  return [
    ...headOf(known),
    `named     ${named}`,
    `judging   ${known.judging}`,
    `outbox    ${known.outbox} waiting`,
    `disputes  ${counts.join(', ') || 'none'}`,
    ...(rows.length === 0 ? [] : [table(['SINCE', 'CLAIM', 'STATE', 'VERDICT', 'LEDGER'], rows)]),
  ].join('\n');
}

function sandboxText({ mode, memory }: { mode: string; memory?: string | undefined }): string {
  return memory === undefined ? mode : `${mode}, memory ${memory}`;
}

/** What it is, then every problem on a line of its own. */
function meshText(mesh: Of<'executor'>['mesh']): string[] {
  if (mesh === null) return ['mesh      off'];
  const { state, peers = [], relays = [], addresses = [], problems } = mesh;
  const held = relays.filter((relay) => relay.state === 'reserved').length;
  const relayed = relays.length === 0 ? '' : `, relays ${held} of ${relays.length}`;
  return [
    `mesh      ${state}, peers ${peers.length}${relayed}`,
    ...addresses.map((address) => `          ${address}`),
    ...problems.map((problem) => `          problem: ${problem}`),
  ];
}

function headOf({ did, edge, network, link, sandbox }: Status): string[] {
  const problem = link.problem === null ? '' : ` (${link.problem})`;
  return [
    `did       ${did}`,
    `edge      ${edge} (${network})`,
    `link      ${link.state}${problem}`,
    `sandbox   ${sandbox === null ? 'stopped' : sandboxText(sandbox)}`,
  ];
}
