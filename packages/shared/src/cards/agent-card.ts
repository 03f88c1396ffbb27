/** The A2A 1.0 AgentCard (a2a.proto, ProtoJSON names) with the executor extension of ZeroState. */
import { z } from 'zod';
import { utf8 } from '../encoding/bytes.ts';
import { jcs } from '../encoding/jcs.ts';
import { CARD_BYTES_MAX, SKILLS_MAX, TAGS_MAX } from '../limits.ts';
import { amountField, countField, hashField } from '../messages/fields.ts';
import { err, ok, type Result } from '../result.ts';

export const A2A_VERSION = '1.0';
export const EXECUTOR_EXTENSION = 'urn:zerostate:ext:executor:1';
export const TASK_BINDING = 'urn:zerostate:binding:task:1';

/** One line: a line break or a control character in a name is only there to deceive. */
const shortText = z
  .string()
  .max(256)
  .regex(/^\P{Cc}+$/u, 'empty or with control characters');
const longText = z.string().max(8192);
const mediaType = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9!#$&^_.+*-]+\/[A-Za-z0-9!#$&^_.+*-]+(; ?[\x20-\x7e]+)?$/, 'not a media type');
const mediaTypes = z.array(mediaType).max(64);
const url = z.url({ protocol: /^https?$/ }).max(2048);

/** What one program of an executor is: a skill, the module that does it, what goes in and out. */
export const programSchema = z.strictObject({
  /** Id of the skill in the same card. */
  skill: shortText,
  module: hashField,
  abi: z.enum(['wasi', 'call']),
  /** The exported function, for ABI `call`. */
  fn: z.string().min(1).max(256).optional(),
  /** ABI `wasi`: arguments that a caller passes unless it knows better. */
  args: z.array(z.string().max(1024)).max(64).optional(),
  input: mediaTypes,
  output: mediaTypes,
});
export type Program = z.infer<typeof programSchema>;

/** Terms under which an executor runs programs. Amounts are micro-units, counts are decimal. */
export const executorParamsSchema = z
  .strictObject({
    meter: z
      .string()
      .max(64)
      .regex(/^zsm[0-9]+-[A-Za-z0-9_-]{43}$/, 'not a meter'),
    price: z.strictObject({ base: amountField, per_mgas: amountField, per_page: amountField }),
    limits: z.strictObject({
      gas_max: countField,
      pages_max: countField,
      wall_ms_max: countField,
      input_max: countField,
      output_max: countField,
    }),
    regions: z.array(z.string().regex(/^[a-z0-9-]{1,32}$/, 'not a region')).max(32),
    /** Multiaddrs at which the executor can be reached without an edge. */
    mesh: z.array(z.string().max(512).regex(/^\//, 'not a multiaddr')).max(16),
    programs: z.array(programSchema).min(1).max(SKILLS_MAX),
  })
  .superRefine((params, context) => {
    for (const [i, program] of params.programs.entries()) {
      if ((program.abi === 'call') === (program.fn !== undefined)) continue;
      const message = 'fn belongs to ABI call';
      context.addIssue({ code: 'custom', path: ['programs', i, 'fn'], message });
    }
  });
export type ExecutorParams = z.infer<typeof executorParamsSchema>;

const agentInterface = z.looseObject({
  url,
  protocolBinding: shortText,
  protocolVersion: z.string().max(16),
  tenant: z.string().max(256).optional(),
});

const extension = z.looseObject({
  uri: z.string().max(2048).optional(),
  description: longText.optional(),
  required: z.boolean().optional(),
  params: z.record(z.string(), z.unknown()).optional(),
});

const skill = z.looseObject({
  id: shortText,
  name: shortText,
  description: longText,
  tags: z.array(z.string().min(1).max(64)).max(TAGS_MAX),
  examples: z.array(z.string().max(1024)).max(64).optional(),
  inputModes: mediaTypes.optional(),
  outputModes: mediaTypes.optional(),
});
export type AgentSkill = z.infer<typeof skill>;

const signature = z.looseObject({
  protected: z.string().max(1024),
  signature: z.string().max(1024),
  header: z.record(z.string(), z.unknown()).optional(),
});

/** Unknown members are kept: they are part of what was signed, and later A2A minors add some. */
export const agentCardSchema = z.looseObject({
  name: shortText,
  description: longText,
  version: z.string().min(1).max(64),
  supportedInterfaces: z.array(agentInterface).min(1).max(16),
  provider: z.looseObject({ url, organization: shortText }).optional(),
  documentationUrl: url.optional(),
  iconUrl: url.optional(),
  capabilities: z.looseObject({
    streaming: z.boolean().optional(),
    pushNotifications: z.boolean().optional(),
    extendedAgentCard: z.boolean().optional(),
    extensions: z.array(extension).max(16).optional(),
  }),
  securitySchemes: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  securityRequirements: z.array(z.record(z.string(), z.unknown())).max(16).optional(),
  defaultInputModes: mediaTypes,
  defaultOutputModes: mediaTypes,
  skills: z.array(skill).max(SKILLS_MAX),
  signatures: z.array(signature).max(8).optional(),
});
export type AgentCard = z.infer<typeof agentCardSchema>;

/** An executor's card: the A2A card and the terms in its extension. */
export type ExecutorCard = { card: AgentCard; params: ExecutorParams };

export type AgentCardCode =
  | 'card-invalid'
  | 'card-too-large'
  | 'card-extension-missing'
  | 'card-binding-missing'
  | 'card-program-skill';

/** Checks any A2A 1.0 card, this one's extension not needed; `detail` is the refused field. */
export function validateA2aCard(value: unknown): Result<AgentCard, AgentCardCode> {
  const parsed = agentCardSchema.safeParse(value);
  if (!parsed.success) return err('card-invalid', pathOf(parsed.error));
  const bytes = cardBytes(parsed.data);
  if (bytes === null) return err('card-invalid', '$');
  return bytes.length > CARD_BYTES_MAX ? err('card-too-large', '$') : ok(parsed.data);
}

/** The canonical bytes, null for what `parseJson` would not have let through. */
function cardBytes(card: AgentCard): Uint8Array | null {
  try {
    return utf8(jcs(card));
  } catch {
    return null;
  }
}

/** Checks an executor's card: the A2A card, one executor extension, the task binding, programs. */
export function validateAgentCard(value: unknown): Result<ExecutorCard, AgentCardCode> {
  const card = validateA2aCard(value);
  if (!card.ok) return card;
  const { supportedInterfaces, capabilities, skills } = card.value;
  if (!supportedInterfaces.some(({ protocolBinding }) => protocolBinding === TASK_BINDING)) {
    return err('card-binding-missing', 'supportedInterfaces');
  }
  const extensions = capabilities.extensions ?? [];
  const ours = extensions.filter(({ uri }) => uri === EXECUTOR_EXTENSION);
  if (ours.length !== 1) return err('card-extension-missing', 'capabilities.extensions');
  const params = executorParamsSchema.safeParse(ours[0]?.params);
  if (!params.success) return err('card-invalid', `params.${pathOf(params.error)}`);
  const ids = new Set(skills.map(({ id }) => id));
  if (ids.size !== skills.length) return err('card-program-skill', 'skills');
  const lost = params.data.programs.find((program) => !ids.has(program.skill));
  if (lost !== undefined) return err('card-program-skill', lost.skill);
  return ok({ card: card.value, params: params.data });
}

function pathOf(error: z.ZodError): string {
  const path = error.issues[0]?.path ?? [];
  return path.length === 0 ? '$' : path.map(String).join('.');
}

/** What an operator says about an agent; the rest of the card follows from it. */
export type AgentDescription = {
  name: string;
  description: string;
  version: string;
  /** The edge's task endpoint. */
  url: string;
  skills: readonly AgentSkill[];
  params: ExecutorParams;
  provider?: { url: string; organization: string };
  documentationUrl?: string;
};

/** The A2A card of an executor's agent, still unsigned. Its modes are those of its programs. */
export function buildAgentCard(agent: AgentDescription): AgentCard {
  const { programs } = agent.params;
  return {
    name: agent.name,
    description: agent.description,
    version: agent.version,
    supportedInterfaces: [
      { url: agent.url, protocolBinding: TASK_BINDING, protocolVersion: A2A_VERSION },
    ],
    capabilities: {
      streaming: false,
      pushNotifications: false,
      extensions: [
        {
          uri: EXECUTOR_EXTENSION,
          description: 'Metered, verifiable execution paid by signed vouchers',
          required: true,
          params: { ...agent.params },
        },
      ],
    },
    defaultInputModes: [...new Set(programs.flatMap(({ input }) => input))],
    defaultOutputModes: [...new Set(programs.flatMap(({ output }) => output))],
    skills: [...agent.skills],
    ...(agent.provider === undefined ? {} : { provider: agent.provider }),
    ...(agent.documentationUrl === undefined ? {} : { documentationUrl: agent.documentationUrl }),
  };
}
