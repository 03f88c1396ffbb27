/** Every property of fast-check draws from one seed: see `seedOf`. */
import fc from 'fast-check';
import { seedOf } from './seed.ts';

fc.configureGlobal({ seed: seedOf(process.env) });
