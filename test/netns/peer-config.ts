/** What a test tells a node in a namespace, on its command line and its standard input. */
export interface PeerConfig {
  /** Fills the 32 bytes of its seed. */
  seed: number;
  isRelay?: boolean;
  listen?: string[];
  announce?: string[];
  relays?: string[];
  bootstrap?: string[];
  mdns?: boolean;
  allowPrivate?: boolean;
  /** Its answers come this long after it has a direct connection to who asks. */
  answersAfterDirectMs?: number;
}

export type Command =
  | { do: 'status' }
  | { do: 'dial'; address: string; withinMs: number }
  | { do: 'ask'; did: string; addresses: string[]; withinMs: number };
