import {
  BLOB_BYTES_MAX,
  decodeBase64url,
  type Envelope,
  encodeBase64url,
  envelopeField,
  err,
  hashField,
  ok,
  type PaychCond,
  type Result,
  type TaskManifest,
  type TaskReceipt,
} from '@zerostate/shared';

/**
 * Everything that anyone needs to check what an executor did (protocol.md, Task). Bytes that are
 * left out are fetched by their hash where an edge still has them.
 */
export interface ReceiptBundle {
  /** The ledger whose signatures these are; asked of an edge when it is absent. */
  network?: string;
  receipt: Envelope<TaskReceipt>;
  manifest: Envelope<TaskManifest>;
  cond: Envelope<PaychCond>;
  module: { sha256: string; bytes?: Uint8Array };
  input?: Uint8Array;
  output?: Uint8Array;
}

/** A bundle read from a file: envelopes are shaped but not yet verified. */
export interface UncheckedBundle {
  network?: string;
  receipt: unknown;
  manifest: unknown;
  cond: unknown;
  module: { sha256: string; bytes?: Uint8Array };
  input?: Uint8Array;
  output?: Uint8Array;
}

/** The file's text: JSON, bytes in base64url. */
export function encodeBundle(bundle: ReceiptBundle): string {
  const { network, receipt, manifest, cond, module, input, output } = bundle;
  const bytes = (value: Uint8Array | undefined) =>
    value === undefined ? undefined : encodeBase64url(value);
  const file = {
    network,
    receipt,
    manifest,
    cond,
    module: { sha256: module.sha256, bytes: bytes(module.bytes) },
    input: bytes(input),
    output: bytes(output),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Reads a bundle file; `detail` names the member that is wrong. */
export function decodeBundle(text: string): Result<UncheckedBundle, 'bundle-invalid'> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return err('bundle-invalid', 'not JSON');
  }
  if (!isRecord(file) || !isRecord(file.module)) return err('bundle-invalid', 'module');
  const { network, receipt, manifest, cond, module } = file;
  for (const [name, value] of Object.entries({ receipt, manifest, cond })) {
    if (!envelopeField.safeParse(value).success) return err('bundle-invalid', name);
  }
  const sha256 = hashField.safeParse(module.sha256);
  if (!sha256.success) return err('bundle-invalid', 'module.sha256');
  if (network !== undefined && typeof network !== 'string') return err('bundle-invalid', 'network');
  const bundle: UncheckedBundle = { receipt, manifest, cond, module: { sha256: sha256.data } };
  if (network !== undefined) bundle.network = network;
  const parts = { module: module.bytes, input: file.input, output: file.output };
  for (const [name, value] of Object.entries(parts)) {
    if (value === undefined) continue;
    const bytes = typeof value === 'string' ? readBytes(value) : null;
    if (bytes === null) return err('bundle-invalid', name);
    if (name === 'module') bundle.module.bytes = bytes;
    if (name === 'input') bundle.input = bytes;
    if (name === 'output') bundle.output = bytes;
  }
  return ok(bundle);
}

function readBytes(text: string): Uint8Array | null {
  if (text.length > Math.ceil((BLOB_BYTES_MAX * 4) / 3)) return null;
  const bytes = decodeBase64url(text);
  return bytes.ok ? bytes.value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
