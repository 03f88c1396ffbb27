import { Command } from 'commander';

/** An id (43 characters of base64url) that begins with a dash, as one in 64 does. */
const DASHED = /^-[A-Za-z0-9_-]{42}$/;
/** What no argument of a process begins with. */
const MARK = '\0';

/** A command to which such an id is an argument as any other id is, and no group of options. */
export class IdCommand extends Command {
  override createCommand(name?: string): Command {
    return new IdCommand(name);
  }

  override parseOptions(args: string[]): { operands: string[]; unknown: string[] } {
    const marked = args.map((arg, at) =>
      DASHED.test(arg) && !this.#takesValue(args[at - 1]) ? `${MARK}${arg}` : arg,
    );
    const { operands, unknown } = super.parseOptions(marked);
    return { operands: operands.map(unmarked), unknown: unknown.map(unmarked) };
  }

  #takesValue(arg: string | undefined): boolean {
    return this.options.some(
      ({ required, short, long }) =>
        required && (arg === short || arg === long) && arg !== undefined,
    );
  }
}

function unmarked(arg: string): string {
  return arg.startsWith(MARK) ? arg.slice(MARK.length) : arg;
}
