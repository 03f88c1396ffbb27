import { sql } from 'drizzle-orm';
import { channel, cond } from './tables.ts';

/*
 * Written out instead of bound: only then does SQLite take the indexes of what is unfinished.
 */
export const isLiveChannel = sql`${channel.state} <> 'closed'`;
export const isOpenCond = sql`${cond.state} = 'open'`;
