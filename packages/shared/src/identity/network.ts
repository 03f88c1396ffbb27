import { base32nopad } from '@scure/base';
import { sha256, utf8 } from '../encoding/bytes.ts';
import { jcs } from '../encoding/jcs.ts';

/** What makes a network: one ledger. All fields are strings, `created_at` in ms. */
export type Genesis = {
  /** DID of the ledger's key, which signs seals. */
  ledger: string;
  asset: string;
  /** `local` has a faucet, `open` has operators and arbiters. */
  kind: string;
  created_at: string;
};

/** Identifier that every signature names: `zs-` and 80 bits of the genesis' hash in base32. */
export function networkId(genesis: Genesis): string {
  const { ledger, asset, kind, created_at } = genesis;
  const hash = sha256(utf8(jcs({ ledger, asset, kind, created_at })));
  return `zs-${base32nopad.encode(hash).slice(0, 16).toLowerCase()}`;
}

/** Whether a text could be a network id. */
export function isNetworkId(text: string): boolean {
  return /^zs-[a-z2-7]{16}$/.test(text);
}
