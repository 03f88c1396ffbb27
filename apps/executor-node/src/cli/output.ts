/** What every command gets: where data goes, and how. */
export interface Output {
  isJson: boolean;
  /** stdout. */
  write(text: string): void;
}

/** One answer on stdout: as JSON, or as `text` says it to people. */
export function print(output: Output, value: unknown, text: () => string): void {
  output.write(output.isJson ? `${JSON.stringify(value)}\n` : `${text()}\n`);
}

/** Micro-units as units with six decimals, as people write money. */
export function units(micro: bigint | string): string {
  const value = BigInt(micro);
  const whole = value / 1_000_000n;
  return `${whole}.${String(value % 1_000_000n).padStart(6, '0')}`;
}

/** Rows under their headings, in columns. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(headings), ...rows.map(line)].join('\n');
}
