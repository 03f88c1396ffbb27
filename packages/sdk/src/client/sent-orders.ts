/** Orders that went to an executor without an edge: nobody but the two parties has the input. */
export interface SentOrders {
  /** Kept when this resolves: it is called before the order leaves, and outlives a crash. */
  keep(task: string, input: Uint8Array): Promise<void>;
  /** The input of an order that was sent; null for one that was not, or not from here. */
  input(task: string): Promise<Uint8Array | null>;
  forget(task: string): Promise<void>;
  tasks(): Promise<string[]>;
}

/** Orders that are forgotten with the process, as the wallet in memory is. */
export function createMemoryOrders(): SentOrders {
  const inputs = new Map<string, Uint8Array>();
  return {
    async keep(task, input) {
      inputs.set(task, input);
    },
    input: async (task) => inputs.get(task) ?? null,
    async forget(task) {
      inputs.delete(task);
    },
    tasks: async () => [...inputs.keys()],
  };
}
