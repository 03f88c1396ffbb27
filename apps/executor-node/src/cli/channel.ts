import { z } from 'zod';
import type { Command } from '../commands.ts';
import { ask } from './ask.ts';
import { must } from './exit.ts';
import { type Output, print, table, units } from './output.ts';

type At = { state: string };

const viewSchema = z.looseObject({
  ch: z.string(),
  peer: z.string(),
  state: z.string(),
  fund: z.string(),
  held: z.string(),
  unredeemed: z.string(),
  own_fund: z.string(),
  own_spendable: z.string(),
  expires_at: z.number(),
  close_at: z.number().nullable(),
  closing: z.boolean(),
});
type View = z.infer<typeof viewSchema>;

/** `channel list`. */
export async function channelList(output: Output, { state }: At): Promise<void> {
  const answer = must(await ask(state, { command: 'channel-list' }));
  const channels = z.array(viewSchema).parse(answer);
  const headings = ['STATE', 'FUND', 'HELD', 'UNREDEEMED', 'OWN', 'EXPIRES', 'CHANNEL', 'WITH'];
  print(output, answer, () =>
    channels.length === 0
      ? 'No channels.'
      : table(
          headings,
          channels.map((one) => [
            one.closing ? `${one.state}, to close` : one.state,
            units(one.fund),
            units(one.held),
            units(one.unredeemed),
            units(one.own_spendable),
            new Date(one.expires_at).toISOString(),
            one.ch,
            one.peer,
          ]),
        ),
  );
}

/** `channel topup CHANNEL --amount UNITS`. */
export function channelTopup(
  output: Output,
  ch: string,
  { state, amount }: At & { amount: bigint },
): Promise<void> {
  const command = { command: 'channel-topup', ch, amount: String(amount) } as const;
  return carryOut(output, state, command, ownSide);
}

/** `channel roll FROM TO`. */
export function channelRoll(
  output: Output,
  { from, to }: { from: string; to: string },
  { state, amount }: At & { amount?: bigint },
): Promise<void> {
  const command = {
    command: 'channel-roll',
    from,
    to,
    ...(amount === undefined ? {} : { amount: String(amount) }),
  } as const;
  return carryOut(output, state, command, ownSide);
}

/** `channel close CHANNEL` and `channel close1 CHANNEL`. */
export function channelClose(
  output: Output,
  command: 'channel-close' | 'channel-close1',
  ch: string,
  { state }: At,
): Promise<void> {
  return carryOut(output, state, { command, ch }, closed);
}

async function carryOut(
  output: Output,
  state: string,
  command: Command,
  said: (view: View) => string,
): Promise<void> {
  const answer = must(await ask(state, command));
  const view = viewSchema.parse(answer);
  print(output, answer, () => said(view));
}

function ownSide({ ch, own_fund: fund, own_spendable: spendable }: View): string {
  return `${ch}: own side ${units(fund)}, spendable ${units(spendable)}`;
}

function closed({ ch, state, close_at: closeAt }: View): string {
  if (state === 'closed') return `${ch} is closed`;
  if (closeAt !== null)
    return `${ch} is ${state}; it ends after ${new Date(closeAt).toISOString()}`;
  return `${ch} is ${state}: the other party has an hour to sign; close1 closes without it`;
}
