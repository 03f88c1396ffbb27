import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agentModule, IMPORTS_GIVEN } from './wasi-host.ts';

const root = new URL('../', import.meta.url);
const agents = readdirSync(root).filter((name) => existsSync(new URL(`${name}/agent.json`, root)));

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

function readAgent(agent: string): z.infer<typeof agentFile> {
  const path = new URL(`${agent}/agent.json`, root);
  return agentFile.parse(JSON.parse(readFileSync(path, 'utf8')));
}

test('all modules together are less than 8 MiB', () => {
  const sizes = agents.map((agent) => statSync(new URL(`${agent}/${agent}.wasm`, root)).size);
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

  test('it imports only what every host gives and exports what its ABI says', () => {
    const module = agentModule(agent);
    for (const wanted of WebAssembly.Module.imports(module)) {
      expect(wanted).toMatchObject({ module: 'wasi_snapshot_preview1', kind: 'function' });
      expect(IMPORTS_GIVEN).toContain(wanted.name);
    }
    const exported = WebAssembly.Module.exports(module).map(({ kind, name: as }) => [kind, as]);
    expect(exported).toContainEqual(['memory', 'memory']);
    for (const program of readAgent(agent).programs) {
      expect(exported).toContainEqual(['function', program.abi === 'call' ? program.fn : '_start']);
    }
  });

  test('it carries no debug information, names or paths of the machine that built it', () => {
    const module = agentModule(agent);
    for (const section of ['name', 'producers', 'target_features', 'sourceMappingURL']) {
      expect(WebAssembly.Module.customSections(module, section)).toHaveLength(0);
    }
    const bytes = readFileSync(new URL(`${agent}/${agent}.wasm`, root)).toString('latin1');
    expect(bytes).not.toMatch(
      /\/(home|root|tmp|usr|work|build|mnt|var|Users)\/|\.debug_|assembly\//,
    );
  });
});

test('hello() answers 42', () => {
  const { hello } = new WebAssembly.Instance(agentModule('hello')).exports;
  expect(typeof hello === 'function' && hello()).toBe(42);
});
