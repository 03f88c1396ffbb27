/** The OpenAPI 3.1 document of the routes, from the schemas that check them. */
import { problemSchema } from '@zerostate/shared';
import { z } from 'zod';
import { statusOf } from './problem.ts';
import type { AnyRouteSpec } from './route-spec.ts';

type JsonObject = { [key: string]: unknown };

const PROBLEM_REF = { $ref: '#/components/schemas/Problem' };

export function openapiDocument(
  specs: readonly AnyRouteSpec[],
  about: { version: string; origins: readonly string[] },
): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const spec of specs) {
    paths[spec.path] = { ...paths[spec.path], [spec.method]: operation(spec) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'ZeroState edge',
      version: about.version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    ...(about.origins.length === 0 ? {} : { servers: about.origins.map((url) => ({ url })) }),
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema) },
      securitySchemes: {
        httpMessageSignature: {
          type: 'apiKey',
          in: 'header',
          name: 'Signature',
          description: 'RFC 9421, label zs, ed25519, keyid = did:key; see the protocol guide.',
        },
      },
    },
  };
}

function operation(spec: AnyRouteSpec): JsonObject {
  const body = requestBody(spec);
  return {
    tags: [spec.tag],
    summary: spec.summary,
    operationId: operationId(spec),
    ...(spec.description === undefined ? {} : { description: spec.description }),
    parameters: [
      ...parameters(spec.params, 'path'),
      ...parameters(spec.query, 'query'),
      ...(spec.idempotent ? [idempotencyParameter] : []),
    ],
    ...(body === null ? {} : { requestBody: body }),
    ...security(spec),
    responses: { ...answers(spec), ...failures(spec) },
  };
}

function operationId(spec: AnyRouteSpec): string {
  const words = spec.path.replaceAll(/[{}.]/g, '').split(/[/-]/).filter(Boolean);
  return [spec.method, ...words].join('_');
}

const idempotencyParameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: true,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

function security(spec: AnyRouteSpec): JsonObject {
  if (spec.signed === 'required') return { security: [{ httpMessageSignature: [] }] };
  if (spec.signed === 'optional') return { security: [{ httpMessageSignature: [] }, {}] };
  return {};
}

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): JsonObject[] {
  if (schema === undefined) return [];
  const { properties, required } = schemaOf(schema);
  if (!isObject(properties)) return [];
  const needed = Array.isArray(required) ? required : [];
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || needed.includes(name),
    schema: property,
  }));
}

function requestBody(spec: AnyRouteSpec): JsonObject | null {
  if (spec.bytes) {
    return { required: true, content: { 'application/octet-stream': {} } };
  }
  if (spec.body === undefined) return null;
  return { required: true, content: { 'application/json': { schema: schemaOf(spec.body) } } };
}

function answers(spec: AnyRouteSpec): JsonObject {
  return Object.fromEntries(
    Object.entries(spec.answers).map(([status, { description, schema, mediaType }]) => [
      status,
      {
        description,
        ...(schema === undefined && mediaType === undefined
          ? {}
          : {
              content: {
                [mediaType ?? 'application/json']: schema ? { schema: schemaOf(schema) } : {},
              },
            }),
      },
    ]),
  );
}

function failures(spec: AnyRouteSpec): JsonObject {
  const byStatus = new Map<number, string[]>();
  for (const code of spec.failures ?? []) {
    const status = statusOf(code);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const content = { 'application/problem+json': { schema: PROBLEM_REF } };
  const own = [...byStatus].map(([status, codes]) => [
    status,
    { description: codes.join(', '), content },
  ]);
  return {
    default: { description: 'RFC 9457 problem details', content },
    ...Object.fromEntries(own),
  };
}

function schemaOf(schema: z.ZodType): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
