import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import {
  agentField,
  amountField,
  BLOB_BYTES_MAX,
  countField,
  digestSha256,
  err,
  ok,
  type Result,
} from '@zerostate/shared';
import { z } from 'zod';

const words = z.array(z.string().min(1).max(64)).max(64);
const mediaTypes = z.union([z.string(), z.array(z.string())]).default([]);

/** `agent.json`: what its author says about an agent. The operator's node makes the card of it. */
export const agentFileSchema = z.strictObject({
  agent: agentField,
  name: z.string().min(1).max(256),
  version: z.string().min(1).max(64),
  description: z.string().min(1).max(8192),
  tags: words.default([]),
  skills: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(256),
        name: z.string().min(1).max(256),
        description: z.string().max(8192),
        tags: words.default([]),
        examples: z.array(z.string().max(1024)).max(64).optional(),
        inputModes: z.array(z.string()).optional(),
        outputModes: z.array(z.string()).optional(),
      }),
    )
    .min(1)
    .max(64),
  price: z.strictObject({ base: amountField, per_mgas: amountField, per_page: amountField }),
  limits: z.strictObject({
    gas_max: countField,
    pages_max: countField,
    wall_ms_max: countField,
    input_max: countField,
    output_max: countField,
  }),
  regions: z.array(z.string()).default([]),
  programs: z
    .array(
      z.strictObject({
        skill: z.string().min(1),
        /** Path of the module, relative to agent.json and inside its folder. */
        file: z
          .string()
          .min(1)
          .refine((path) => !/^([/\\]|\.\.)/.test(normalize(path)), 'outside of the folder'),
        abi: z.enum(['wasi', 'call']),
        fn: z.string().optional(),
        args: z.array(z.string()).optional(),
        input: mediaTypes,
        output: mediaTypes,
      }),
    )
    .min(1)
    .max(64),
});
export type AgentFile = z.infer<typeof agentFileSchema>;

/** An agent's folder, read: its file, and the modules by sha256. */
export interface AgentFolder {
  file: AgentFile;
  /** sha256 of each program's file, by path. */
  hashes: Readonly<Record<string, string>>;
  modules: ReadonlyMap<string, Uint8Array>;
}

export type AgentFileCode = 'agent-file-missing' | 'agent-file-invalid' | 'module-missing';

/** Reads `agent.json` and the modules it names. */
export async function readAgentFolder(folder: string): Promise<Result<AgentFolder, AgentFileCode>> {
  const path = join(folder, 'agent.json');
  const text = await readOrNull(path);
  if (text === null) return err('agent-file-missing', `${path} cannot be read`);
  const file = parseAgentFile(text.toString('utf8'));
  if (!file.ok) return err(file.code, `${path}: ${file.detail ?? ''}`);
  const hashes: Record<string, string> = {};
  const modules = new Map<string, Uint8Array>();
  for (const program of file.value.programs) {
    if (hashes[program.file] !== undefined) continue;
    const wasmPath = join(folder, program.file);
    const wasm = await readOrNull(wasmPath);
    if (wasm === null) return err('module-missing', `${wasmPath} cannot be read`);
    if (wasm.length > BLOB_BYTES_MAX) {
      return err('module-missing', `${wasmPath} has ${wasm.length} bytes, over ${BLOB_BYTES_MAX}`);
    }
    const hash = await digestSha256(wasm);
    hashes[program.file] = hash;
    modules.set(hash, wasm);
  }
  return ok({ file: file.value, hashes, modules });
}

/** The author's words, checked; `detail` names the field. */
export function parseAgentFile(text: string): Result<AgentFile, 'agent-file-invalid'> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err('agent-file-invalid', 'not JSON');
  }
  const parsed = agentFileSchema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return err('agent-file-invalid', `${issue?.path.map(String).join('.')}: ${issue?.message}`);
}

async function readOrNull(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch {
    return null;
  }
}
