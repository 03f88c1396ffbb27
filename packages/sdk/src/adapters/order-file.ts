import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Envelope,
  envelopeField,
  err,
  ok,
  parseJson,
  type RailWithdraw,
  type Result,
  railWithdrawSchema,
} from '@zerostate/shared';

/** Where a state folder keeps the withdrawal that it has signed and not heard about. */
export function orderPath(folder: string, network: string): string {
  return join(folder, `withdraw-${network}.json`);
}

export async function readOrder(
  path: string,
): Promise<Result<Envelope<RailWithdraw> | null, 'order-file-invalid'>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ok(null);
    throw cause;
  }
  const parsed = parseJson(text);
  const envelope = envelopeField.safeParse(parsed.ok ? parsed.value : undefined);
  const body = railWithdrawSchema.safeParse(envelope.data?.body);
  if (envelope.success && body.success) return ok({ ...envelope.data, body: body.data });
  return err('order-file-invalid', `${path}: see zs account withdrawals, then remove it`);
}

/** On the disk when this resolves, whole. */
export async function keepOrder(path: string, order: Envelope<unknown>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(order)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

export async function forgetOrder(path: string): Promise<void> {
  await rm(path, { force: true });
}
