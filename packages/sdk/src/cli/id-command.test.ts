import { expect, test } from 'vitest';
import { IdCommand } from './id-command.ts';

const ID = `-${'a'.repeat(42)}`;

async function parsed(...args: string[]): Promise<unknown[]> {
  const seen: unknown[] = [];
  const program = new IdCommand('zs').exitOverride().configureOutput({ writeErr: () => undefined });
  program.option('--edge <url>');
  program
    .command('channel')
    .command('close')
    .argument('<id>')
    .argument('[other]')
    .option('--ref <id>')
    .option('-a')
    .action((id, other, options) => {
      seen.push(id, other, options);
    });
  await program.parseAsync(args, { from: 'user' });
  return seen;
}

test('an id that begins with a dash is an argument wherever it stands', async () => {
  expect(await parsed('channel', 'close', ID)).toEqual([ID, undefined, {}]);
  expect(await parsed('--edge', 'x', 'channel', 'close', ID, 'b')).toEqual([ID, 'b', {}]);
  expect(await parsed('channel', 'close', 'b', ID, '--ref', ID)).toEqual(['b', ID, { ref: ID }]);
  expect(await parsed('channel', 'close', '--ref', ID, '--', ID)).toEqual([
    ...[ID, undefined],
    { ref: ID },
  ]);
});

test('options stay options, and unknown ones are refused', async () => {
  expect(await parsed('channel', 'close', 'b', '-a')).toEqual(['b', undefined, { a: true }]);
  await expect(parsed('channel', 'close', 'b', '--wrong')).rejects.toThrow('unknown option');
  await expect(parsed('channel', 'close', 'b', `${ID}b`)).rejects.toThrow();
});
