import { resolve } from 'node:path';
import { z } from 'zod';
import { ask } from './ask.ts';
import { must } from './exit.ts';
import { type Output, print, table } from './output.ts';

const cardSchema = z.looseObject({
  agent: z.string(),
  state: z.string(),
  code: z.string().optional(),
  expires_at: z.string(),
});

/** What a card's state means to its owner. */
function said(card: z.infer<typeof cardSchema>): string {
  const words: Record<string, string> = {
    live: 'published',
    sent: 'on its way to the edge',
    waiting: `waiting for the edge${card.code === undefined ? '' : `: ${card.code}`}`,
    refused: `refused by the edge: ${card.code ?? ''}`,
    revoked: 'revoked',
  };
  return words[card.state] ?? card.state;
}

/** `card add DIR...`: admits, signs and publishes the agent of each folder; the first fault ends. */
export async function cardAdd(
  output: Output,
  folders: readonly string[],
  options: { state: string },
): Promise<void> {
  const answers: unknown[] = [];
  for (const folder of folders) {
    // The daemon has another working folder.
    const command = { command: 'card-add', folder: resolve(folder) } as const;
    answers.push(must(await ask(options.state, command)));
  }
  const cards = z.array(cardSchema).parse(answers);
  print(output, answers, () =>
    cards.map((card) => `${card.agent}: ${said(card)}, until ${card.expires_at}`).join('\n'),
  );
}

/** `card list`. */
export async function cardList(output: Output, options: { state: string }): Promise<void> {
  const answer = must(await ask(options.state, { command: 'card-list' }));
  const cards = z.array(cardSchema).parse(answer);
  print(output, answer, () =>
    cards.length === 0
      ? 'No cards. Add one: zerostate-node card add DIR'
      : table(
          ['AGENT', 'STATE', 'EXPIRES'],
          cards.map((card) => [card.agent, said(card), card.expires_at]),
        ),
  );
}

/** `card revoke AGENT`. */
export async function cardRevoke(
  output: Output,
  agent: string,
  options: { state: string },
): Promise<void> {
  const answer = must(await ask(options.state, { command: 'card-revoke', agent }));
  print(output, answer, () => `${agent}: revoked`);
}
