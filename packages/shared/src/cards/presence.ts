/**
 * Field presence of the AgentCard messages (a2a.proto 1.0, specification sections 5.7 and 8.4.1):
 * a member that is neither REQUIRED nor `optional` and holds its default is absent from what is
 * signed. Fields that are not listed (required, `optional`, unknown, inside a Struct) stay.
 */
type Fields = { readonly [field: string]: Presence };
type Presence =
  /** A plain or repeated field or map: absent at "", false, 0, [] and {}. */
  | 'implicit'
  /** A message: present or absent as such, its own fields by their rules. */
  | { readonly message: Fields }
  /** Repeated messages or a map of them; `required` ones stay when empty. */
  | { readonly each: Fields; readonly required?: boolean };

const SECURITY_REQUIREMENT: Fields = { schemes: 'implicit' };

const FLOW: Fields = { refreshUrl: 'implicit', pkceRequired: 'implicit' };
const IMPLICIT_FLOW: Fields = {
  authorizationUrl: 'implicit',
  tokenUrl: 'implicit',
  refreshUrl: 'implicit',
  scopes: 'implicit',
};

const SECURITY_SCHEME: Fields = {
  apiKeySecurityScheme: { message: { description: 'implicit' } },
  httpAuthSecurityScheme: { message: { description: 'implicit', bearerFormat: 'implicit' } },
  oauth2SecurityScheme: {
    message: {
      description: 'implicit',
      oauth2MetadataUrl: 'implicit',
      flows: {
        message: {
          authorizationCode: { message: FLOW },
          clientCredentials: { message: FLOW },
          deviceCode: { message: FLOW },
          implicit: { message: IMPLICIT_FLOW },
          password: { message: IMPLICIT_FLOW },
        },
      },
    },
  },
  openIdConnectSecurityScheme: { message: { description: 'implicit' } },
  mtlsSecurityScheme: { message: { description: 'implicit' } },
};

const AGENT_CARD: Fields = {
  supportedInterfaces: { each: { tenant: 'implicit' }, required: true },
  capabilities: {
    message: {
      extensions: {
        each: { uri: 'implicit', description: 'implicit', required: 'implicit' },
      },
    },
  },
  securitySchemes: { each: SECURITY_SCHEME },
  securityRequirements: { each: SECURITY_REQUIREMENT },
  skills: {
    each: {
      examples: 'implicit',
      inputModes: 'implicit',
      outputModes: 'implicit',
      securityRequirements: { each: SECURITY_REQUIREMENT },
    },
    required: true,
  },
};

type JsonObject = { readonly [key: string]: unknown };

/** The card as ProtoJSON would print it after a round trip: defaults that mean "unset" left out. */
export function withoutDefaults(card: JsonObject): JsonObject {
  return pruneObject(card, AGENT_CARD);
}

function pruneObject(value: JsonObject, fields: Fields): JsonObject {
  const kept: [string, unknown][] = [];
  for (const [key, member] of Object.entries(value)) {
    const presence = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (presence === undefined) kept.push([key, member]);
    else if (presence === 'implicit') {
      if (!isDefault(member)) kept.push([key, member]);
    } else if ('message' in presence) kept.push([key, prune(member, presence.message)]);
    else if (presence.required === true || !isDefault(member)) {
      kept.push([key, pruneEach(member, presence.each)]);
    }
  }
  return Object.fromEntries(kept);
}

function pruneEach(value: unknown, fields: Fields): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => prune(item, fields));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, prune(item, fields)]));
}

function prune(value: unknown, fields: Fields): unknown {
  return isObject(value) ? pruneObject(value, fields) : value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDefault(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.keys(value).length === 0;
  return value === '' || value === false || value === 0;
}
