import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agentModule, callAgent } from './agent-run.ts';

const root = new URL('../', import.meta.url);
const agents = readdirSync(root).filter((name) => existsSync(new URL(`${name}/agent.json`, root)));

/** What a command can use here; its libc may link no more than that. */
const IMPORTS = [
  'args_get',
  'args_sizes_get',
  'clock_time_get',
  'fd_close',
  'fd_fdstat_get',
  'fd_read',
  'fd_seek',
  'fd_write',
  'proc_exit',
  'random_get',
];

const count = z.string().regex(/^(0|[1-9][0-9]*)$/);
const mediaType = z.string().regex(/^[a-z]+\/[a-z0-9.+-]+$/);
const text = (max: number) => z.string().trim().min(1).max(max);
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

const skill = z.strictObject({
  id: name,
  name: text(64),
  description: text(512),
  tags: z.array(text(32)).min(1).max(16),
  examples: z.array(text(128)).min(2).max(4),
  inputModes: z.array(mediaType).min(1),
  outputModes: z.array(mediaType).min(1),
});

const wasiProgram = z.strictObject({
  skill: name,
  file: z.string().regex(/^[a-z0-9-]+\.wasm$/),
  abi: z.literal('wasi'),
  args: z.array(z.string()),
  input: mediaType,
  output: mediaType,
});

const callProgram = z.strictObject({
  skill: name,
  file: z.string(),
  abi: z.literal('call'),
  fn: text(64),
  args: z.array(count),
  output: mediaType,
});

const agentFile = z.strictObject({
  agent: name,
  name: text(64),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  description: text(512),
  tags: z.array(text(32)).min(3).max(16),
  skills: z.array(skill).min(1),
  price: z.strictObject({ base: count, per_mgas: count, per_page: count }),
  limits: z.strictObject({
    gas_max: count,
    pages_max: count,
    wall_ms_max: count,
    input_max: count,
    output_max: count,
  }),
  regions: z.array(z.string()),
  programs: z.array(z.discriminatedUnion('abi', [wasiProgram, callProgram])).min(1),
});

function moduleBytes(agent: string): Buffer<ArrayBuffer> {
  return readFileSync(new URL(`${agent}/${agent}.wasm`, root));
}

function readAgent(agent: string): z.infer<typeof agentFile> {
  const path = new URL(`${agent}/agent.json`, root);
  return agentFile.parse(JSON.parse(readFileSync(path, 'utf8')));
}

test('more than eight agents are here, in less than 8 MiB', () => {
  expect(agents.length).toBeGreaterThan(8);
  const sizes = agents.map((agent) => moduleBytes(agent).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(8 << 20);
});

describe.each(agents)('%s', (agent) => {
  test('its description is whole: every skill has one program and every program a skill', () => {
    const description = readAgent(agent);
    expect(description.agent).toBe(agent);
    const skills = description.skills.map(({ id }) => id);
    expect(description.programs.map((program) => program.skill)).toEqual(skills);
    expect(new Set(skills).size).toBe(skills.length);
    for (const program of description.programs) {
      const of = description.skills.find(({ id }) => id === program.skill);
      expect(of?.outputModes).toContain(program.output);
      if (program.abi === 'wasi') expect(of?.inputModes).toContain(program.input);
      expect(program.file).toBe(`${agent}.wasm`);
    }
  });

  test('every executor admits it: WebAssembly 2.0, known imports, the exports of its ABI', async () => {
    const { hash } = await agentModule(agent);
    expect(hash).toBe(createHash('sha256').update(moduleBytes(agent)).digest('base64url'));
    const module = new WebAssembly.Module(moduleBytes(agent));
    for (const wanted of WebAssembly.Module.imports(module)) {
      expect(wanted).toMatchObject({ module: 'wasi_snapshot_preview1', kind: 'function' });
      expect(IMPORTS).toContain(wanted.name);
    }
    const exported = WebAssembly.Module.exports(module).map(({ kind, name: as }) => [kind, as]);
    for (const program of readAgent(agent).programs) {
      expect(exported).toContainEqual(['function', program.abi === 'call' ? program.fn : '_start']);
    }
  });

  test('it carries no debug information, names or paths of the machine that built it', () => {
    const module = new WebAssembly.Module(moduleBytes(agent));
    for (const section of ['name', 'producers', 'target_features', 'sourceMappingURL']) {
      expect(WebAssembly.Module.customSections(module, section)).toHaveLength(0);
    }
    expect(moduleBytes(agent).toString('latin1')).not.toMatch(
      /\/(home|root|tmp|usr|work|build|mnt|var|Users)\/|\.debug_|assembly\//,
    );
  });
});

test('hello() answers 42', async () => {
  const { status, output } = await callAgent('hello', 'hello');
  expect([status, Buffer.from(output).toString()]).toEqual(['ok', '42']);
});
