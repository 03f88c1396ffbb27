import type { MeshPorts } from '@zerostate/mesh';
import { systemClock, systemRng, systemTimers } from '../../adapters/system.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** The machine's own clock, dice and timers. A caller's node keeps no journal. */
export const systemMeshPorts: MeshPorts = {
  clock: systemClock,
  rng: systemRng,
  timers: {
    ...systemTimers,
    every(ms, f) {
      const timer = setInterval(f, ms);
      return () => clearInterval(timer);
    },
  },
  log: silent,
};
