/** The hubs as a stateless worker sees them: each wake and wait goes to the object that has it. */
import { WAIT_MS_MAX } from '@zerostate/shared';
import type { Hub } from '../ports.ts';

/** What a hub object offers to others. */
export interface HubObject {
  wake(did: string): Promise<void>;
  wakeTopic(topic: string): Promise<void>;
  /** Resolves at the next wake of the topic, or after `ms`. */
  waitTopic(topic: string, ms: number): Promise<void>;
}

export type RemoteHubDeps = {
  /** The object that a DID or topic belongs to. */
  objectOf(key: string): HubObject;
  /** Work that goes on after the answer. */
  background(work: Promise<void>): void;
  after(ms: number, run: () => void): () => void;
};

export function createRemoteHub(deps: RemoteHubDeps): Hub {
  return {
    wake: (did) => deps.background(deps.objectOf(did).wake(did)),
    wakeTopic: (topic) => deps.background(deps.objectOf(topic).wakeTopic(topic)),
    watch(topic) {
      const ask = () =>
        deps
          .objectOf(topic)
          .waitTopic(topic, WAIT_MS_MAX)
          // An object that restarts forgets who waited: the row is read again in any case.
          .catch(() => undefined);
      let woken = ask();
      return {
        async changed(ms) {
          let cancel = () => {};
          const late = new Promise<'late'>((resolve) => {
            cancel = deps.after(ms, () => resolve('late'));
          });
          const first = await Promise.race([woken, late]);
          cancel();
          if (first !== 'late') woken = ask();
          return true;
        },
        close() {},
      };
    },
  };
}
