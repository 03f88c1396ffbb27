/** A payer and a payee over HTTP alone: money, channels, vouchers, and what became of them. */

import { createEdgeClient } from '@zerostate/sdk/node';
import {
  cosign,
  createSigner,
  type Dir,
  type Envelope,
  encodeBase64url,
  idOf,
  type PaychVoucher,
  type Signer,
  sealEnvelope,
} from '@zerostate/shared';

export interface PaidChannel {
  readonly ch: string;
  readonly dir: Dir;
  voucher(about: { lane: number; cum: bigint }): Promise<Envelope<PaychVoucher>>;
}

export interface Payer {
  readonly network: string;
  readonly payer: Signer;
  readonly payee: Signer;
  /** An active channel: funded by the payer alone, signed by both at once. */
  open(fund: bigint): Promise<PaidChannel>;
}

const DAY_MS = 86_400_000;

export async function createPayer(url: string): Promise<Payer> {
  const [payer, payee] = await Promise.all(
    [41, 42].map((byte) => createSigner(new Uint8Array(32).fill(byte))),
  );
  if (payer === undefined || payee === undefined) throw new Error('two signers were asked for');
  const edge = createEdgeClient({ url, signer: payer });
  const told = await edge.network();
  if (!told.ok) throw new Error(told.code);
  const { network, genesis, now } = told.value;
  const [a, b] = payer.did < payee.did ? [payer, payee] : [payee, payer];
  const dir = a === payer ? 'a' : 'b';
  return {
    network,
    payer,
    payee,
    async open(fund) {
      const funded = await edge.faucet(fund);
      if (!funded.ok) throw new Error(`faucet: ${funded.code}`);
      const body = {
        a: a.did,
        b: b.did,
        fund_a: dir === 'a' ? String(fund) : '0',
        fund_b: dir === 'b' ? String(fund) : '0',
        nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
        open_by: String(now + DAY_MS),
        expires_at: String(now + 30 * DAY_MS),
        window_ms: '600000',
        claim_ms: '60000',
        asset: genesis.asset,
      };
      const first = await sealEnvelope(network, 'paych.open', body, payer);
      const opened = await edge.openChannel(await cosign(network, first, payee));
      if (!opened.ok || opened.value.state !== 'active') throw new Error('the channel is not open');
      const ch = idOf(network, 'paych.open', body);
      return {
        ch,
        dir,
        voucher: ({ lane, cum }) =>
          sealEnvelope(
            network,
            'paych.voucher',
            { ch, dir, lane: String(lane), cum: String(cum), memo: '' },
            payer,
          ),
      };
    },
  };
}

export type Answer = { status: number; headers: Headers; body: Record<string, unknown> };

/** One POST as it goes over the wire. */
export async function post(
  url: string,
  path: string,
  body: unknown,
  key?: string,
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: objectOf(text) };
}

export async function get(url: string, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return objectOf(text);
}

function objectOf(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error(`no object: ${text}`);
  return Object.fromEntries(Object.entries(value));
}

/** Runs `work` for each item, so many at once. */
export async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const index = next++;
      const item = items[index];
      if (item === undefined) return;
      await work(item, index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
