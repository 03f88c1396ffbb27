import { sha256Base64url, utf8 } from '@zerostate/shared';
import { PROFILE } from '../limits.ts';
import { COSTS } from './cost-table.ts';

/**
 * Names what gas means: the cost table and the constants that change what a run computes. Two
 * executors of one meter count the same gas for the same task.
 */
export const METER: string = `zsm1-${sha256Base64url(utf8(JSON.stringify({ COSTS, PROFILE })))}`;
