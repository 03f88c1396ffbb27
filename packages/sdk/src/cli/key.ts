import { createSigner } from '@zerostate/shared';
import type { Command } from 'commander';
import { createKeyFile, keyPath, readKeyFile } from '../adapters/key-file.ts';
import { systemRng } from '../adapters/system.ts';
import { orFail } from './exit.ts';
import { show, type Terminal } from './io.ts';
import { commonOptions } from './session.ts';

export function addKey(program: Command, terminal: Terminal): void {
  const key = program.command('key').description('your identity: one key in the state folder');
  key
    .command('new')
    .description('make a key; an existing one is never overwritten')
    .addHelpText('after', '\nExample:\n  zs key new --state ~/.zerostate')
    .action(async (_flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      const { did } = await createSigner(orFail(await createKeyFile(common.state, systemRng)));
      const path = keyPath(common.state);
      show(terminal, common.json, { did, path }, () => `${did}\n`);
      terminal.err(
        `the key is in ${path}: whoever has it has your money, so back it up in private`,
      );
    });
  key
    .command('show')
    .description('the DID of your key')
    .addHelpText('after', '\nExample:\n  zs key show')
    .action(async (_flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      const { did } = await createSigner(orFail(await readKeyFile(common.state)));
      show(terminal, common.json, { did, path: keyPath(common.state) }, () => `${did}\n`);
    });
}
