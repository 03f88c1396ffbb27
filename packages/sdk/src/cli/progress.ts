import type { OnProgress, ProgressEvent, Step } from '../client/progress.ts';
import { formatUnits } from '../units.ts';
import { plain, type Terminal } from './io.ts';

const TITLES: Readonly<Record<Step, string>> = {
  search: 'find an agent',
  card: 'check its card',
  channel: 'reserve the price',
  submit: 'send the task',
  wait: 'wait for the result',
  output: 'fetch the output',
  verify: 'run it again and compare',
  pay: 'pay',
  object: 'object',
};

/** A line for each step that ended, for a person at a terminal. */
export function progressOn(terminal: Terminal, json: boolean): OnProgress {
  if (json || !terminal.isTerminal) return () => undefined;
  return (event) => {
    if (event.state !== 'started') terminal.err(lineOf(event));
  };
}

function lineOf({ step, state, took_ms: tookMs = 0, about }: ProgressEvent): string {
  const mark = state === 'done' ? 'ok  ' : 'FAIL';
  const time = `${tookMs.toFixed(1)} ms`.padStart(12);
  return `${mark} ${TITLES[step].padEnd(26)}${time}  ${aboutOf(about)}`;
}

/** Ids are cut short: a line is for reading, `--json` is for copying. */
function aboutOf(about: ProgressEvent['about']): string {
  return Object.entries(about)
    .map(([name, value]) => {
      if (name === 'price' || name === 'price_max') return `${name}=${formatUnits(BigInt(value))}`;
      const text = plain(value);
      return `${name}=${text.length > 43 ? `${text.slice(0, 20)}…` : text}`;
    })
    .join(' ');
}
