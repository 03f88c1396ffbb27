import { type ChannelAnswer, didField, hashField, heldTotal } from '@zerostate/shared';
import type { Command } from 'commander';
import { formatUnits } from '../units.ts';
import type { WalletChannel } from '../wallet/model.ts';
import { CommandFailure, orFail } from './exit.ts';
import { show, type Terminal, table } from './io.ts';
import { amount, commonOptions, publicEdge, withClient } from './session.ts';

export function addChannel(program: Command, terminal: Terminal): void {
  const channel = program.command('channel').description('channels that pay executors');
  addList(channel, terminal);
  addShow(channel, terminal);
  addOpen(channel, terminal);
  addClose(channel, terminal);
}

function addList(channel: Command, terminal: Terminal): void {
  channel
    .command('list')
    .description('your channels, and what each still holds')
    .addHelpText('after', '\nExample:\n  zs channel list --json')
    .action(async (_flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      await withClient(terminal, common, async ({ wallet }) => {
        const channels = (await wallet.channels()).map(summaryOf);
        show(terminal, common.json, { channels }, () =>
          channels.length === 0
            ? 'no channels\n'
            : table([
                ['state', 'fund', 'paid', 'expires', 'channel', 'with'],
                ...channels.map(({ state, fund, paid, expires_at: expires, ch, peer }) => [
                  state,
                  fund,
                  paid,
                  expires,
                  ch,
                  peer,
                ]),
              ]),
        );
      });
    });
}

function summaryOf({ ch, peer, budget }: WalletChannel) {
  return {
    ch,
    peer,
    state: budget.phase,
    fund: formatUnits(budget.fund),
    paid: formatUnits(heldTotal(budget)),
    expires_at: new Date(budget.terms.expiresAt).toISOString(),
  };
}

function addShow(channel: Command, terminal: Terminal): void {
  channel
    .command('show')
    .description('what the ledger says about a channel')
    .argument('<channel>', 'its id')
    .addHelpText('after', '\nExample:\n  zs channel show CHANNEL --json')
    .action(async (ch: string, _flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      const answer = orFail(await publicEdge(common).channel(channelId(ch)));
      show(terminal, common.json, inUnits(answer), () => textOf(answer));
    });
}

function addOpen(channel: Command, terminal: Terminal): void {
  channel
    .command('open')
    .description('open a channel to an executor')
    .argument('<did>', 'the executor')
    .requiredOption('--fund <units>', 'what you put in')
    .option('--hours <n>', 'how long it lives', '24')
    .addHelpText('after', '\nExample:\n  zs channel open did:key:z6Mk… --fund 5')
    .action(async (did: string, flags: { fund: string; hours: string }, command: Command) => {
      const common = commonOptions(command, terminal);
      if (!didField.safeParse(did).success) {
        throw new CommandFailure('usage', `${did}: not an Ed25519 did:key`);
      }
      const hours = Number(flags.hours);
      if (!(hours > 1 && hours <= 8_760)) {
        throw new CommandFailure('usage', '--hours is more than 1, at most 8760');
      }
      const fund = amount(flags.fund);
      const lifetimeMs = Math.round(hours * 3_600_000);
      await withClient(terminal, common, async (client) => {
        const { signal } = terminal;
        const opened = orFail(await client.openChannel(did, fund, { lifetimeMs, signal }));
        show(terminal, common.json, summaryOf(opened), () => `${opened.ch} is open\n`);
      });
    });
}

function addClose(channel: Command, terminal: Terminal): void {
  channel
    .command('close')
    .description('close a channel: together with the executor, or alone after its window')
    .argument('<channel>', 'its id')
    .option('--unilateral', 'start the window without asking the executor')
    .addHelpText(
      'after',
      `
A cooperative close needs every task of the channel settled, and the executor on line.

Examples:
  zs channel close CHANNEL
  zs channel close CHANNEL --unilateral`,
    )
    .action(async (ch: string, flags: { unilateral?: boolean }, command: Command) => {
      const common = commonOptions(command, terminal);
      const id = channelId(ch);
      await withClient(terminal, common, async (client) => {
        const { signal } = terminal;
        const { unilateral } = flags;
        const answer = orFail(await client.closeChannel(id, { unilateral, signal }));
        show(terminal, common.json, inUnits(answer), () => closeText(answer));
        if (answer.state !== 'closed' && unilateral !== true) {
          const advice = 'it did not co-sign yet; try again, or use --unilateral';
          throw new CommandFailure('close-pending', advice);
        }
      });
    });
}

function channelId(text: string): string {
  if (hashField.safeParse(text).success) return text;
  throw new CommandFailure('usage', `${text}: not a channel id`);
}

function closeText({ ch, state, close_at: closeAt }: ChannelAnswer): string {
  const until = closeAt === null ? '' : `; it can be finalized after ${date(closeAt)}`;
  return `${ch} is ${state}${state === 'closed' ? '' : until}\n`;
}

function textOf(answer: ChannelAnswer): string {
  const { a, b, fund_a, fund_b, escrow_a, escrow_b, state, expires_at, lanes, claims } = answer;
  const units = (micro: string) => formatUnits(BigInt(micro));
  const rows = [
    ['state', state],
    ['a', `${a}  fund ${units(fund_a)}  escrow ${units(escrow_a)}`],
    ['b', `${b}  fund ${units(fund_b)}  escrow ${units(escrow_b)}`],
    ['expires', date(expires_at)],
    ...lanes.map(({ dir, lane, cum }) => [`lane ${dir}/${lane}`, `redeemed ${units(cum)}`]),
    ...claims.map(({ id, state: phase, price }) => [`claim ${phase}`, `${id}  ${units(price)}`]),
  ];
  return table(rows);
}

function date(ms: number): string {
  return new Date(ms).toISOString();
}

const AMOUNTS = ['fund_a', 'fund_b', 'escrow_a', 'escrow_b'] as const;

function inUnits(answer: ChannelAnswer) {
  const units = (micro: string) => formatUnits(BigInt(micro));
  return {
    ...answer,
    ...Object.fromEntries(AMOUNTS.map((name) => [name, units(answer[name])])),
    lanes: answer.lanes.map((lane) => ({ ...lane, cum: units(lane.cum) })),
    mailbox: answer.mailbox.map((held) => ({ ...held, cum: units(held.cum) })),
    claims: answer.claims.map((claim) => ({
      ...claim,
      base: units(claim.base),
      cap: units(claim.cap),
      price: units(claim.price),
    })),
  };
}
