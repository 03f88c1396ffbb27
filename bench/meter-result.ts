import type { BenchResult } from './report.ts';

const DIGITS = 4;

export function lower(name: string, value: number, unit: string): BenchResult {
  return { name, value: Number(value.toPrecision(DIGITS)), unit, better: 'lower' };
}

export function higher(name: string, value: number, unit: string): BenchResult {
  return { name, value: Number(value.toPrecision(DIGITS)), unit, better: 'higher' };
}
