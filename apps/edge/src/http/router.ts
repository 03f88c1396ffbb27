/** Turns route descriptions into Hono handlers that see only checked input. */
import { contentDigest, err, ok, REQUEST_BYTES_MAX, type Result } from '@zerostate/shared';
import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { isJsonType, readBody, readJson } from './body.ts';
import type { EdgeEnv } from './env.ts';
import type { Idempotency } from './idempotency.ts';
import { fail, type ProblemCode, type ProblemExtra } from './problem.ts';
import type { AnyRouteSpec, RouteInput, RouteSpec, Signed } from './route-spec.ts';
import { requestSigner, type SignatureDeps } from './signature.ts';

export type RouterDeps = { signature: SignatureDeps; idempotency: Idempotency };

type Empty = Record<never, never>;

export interface Router {
  readonly app: Hono<EdgeEnv>;
  readonly specs: readonly AnyRouteSpec[];
  /** Adds one route. */
  add<P = Empty, Q = Empty, B = undefined, S extends Signed = 'none'>(
    spec: RouteSpec<P, Q, B, S>,
    handler: (c: Context<EdgeEnv>, input: RouteInput<P, Q, B, S>) => Promise<Response> | Response,
  ): void;
}

export function createRouter(deps: RouterDeps): Router {
  const app = new Hono<EdgeEnv>();
  const specs: AnyRouteSpec[] = [];
  return {
    app,
    specs,
    add(spec, handler) {
      specs.push(spec);
      const answer = async (c: Context<EdgeEnv>) => {
        const input = await readInput(c, deps, spec);
        if (!input.ok) return fail(c, input.code, input.detail, input.extra);
        return handler(c, input.value);
      };
      const limited = spec.inFlightMax === undefined ? answer : limit(spec.inFlightMax, answer);
      app.on(spec.method.toUpperCase(), [honoPath(spec.path)], (c) => {
        c.set('route', spec.path);
        return limited(c);
      });
    },
  };
}

/** `/v1/tasks/{task}` as Hono writes it: `/v1/tasks/:task`. */
export function honoPath(path: string): string {
  return path.replaceAll(/\{([a-z0-9_]+)\}/g, ':$1');
}

type Answer = (c: Context<EdgeEnv>) => Promise<Response>;

/** Counted before the body is read: it is the memory that is limited. */
function limit(inFlightMax: number, answer: Answer): Answer {
  let inFlight = 0;
  return async (c) => {
    if (inFlight >= inFlightMax) return fail(c, 'busy', undefined, { retry_ms: 1_000 });
    inFlight++;
    try {
      return await answer(c);
    } finally {
      inFlight--;
    }
  };
}

type InputResult<T> =
  | { ok: true; value: T }
  | { ok: false; code: ProblemCode; detail?: string | undefined; extra?: ProblemExtra };

async function readInput<P, Q, B, S extends Signed>(
  c: Context<EdgeEnv>,
  deps: RouterDeps,
  spec: RouteSpec<P, Q, B, S>,
): Promise<InputResult<RouteInput<P, Q, B, S>>> {
  const params = check(spec.params, c.req.param(), '/path');
  if (!params.ok) return params;
  const query = check(spec.query, readQuery(c), '/query');
  if (!query.ok) return query;
  const raw = await readRaw(c, spec);
  if (!raw.ok) return raw;
  // A signed answer names the digest that came with the request: it has to be this body's.
  if (takesBody(spec) && !hasDigestAsked(c, raw.value)) {
    return err('content-digest-wrong', 'content-digest is not the sha-256 of the body');
  }
  const body = readBodyValue(spec, raw.value);
  if (!body.ok) return body;
  const signer = await readSigner(c, deps, spec.signed ?? 'none', spec, raw.value);
  if (!signer.ok) return signer;
  const value = {
    params: params.value,
    query: query.value,
    body: body.value,
    raw: raw.value,
    signer: signer.value,
  };
  // Checked border: the parts of the input that the spec leaves out are not looked at.
  return ok(value as RouteInput<P, Q, B, S>);
}

const NO_BYTES = new Uint8Array();

async function readRaw(
  c: Context<EdgeEnv>,
  spec: Pick<AnyRouteSpec, 'body' | 'bytes' | 'bodyBytesMax'>,
): Promise<Result<Uint8Array<ArrayBuffer>, ProblemCode>> {
  if (!takesBody(spec)) return ok(NO_BYTES);
  if (spec.body !== undefined && !isJsonType(c.req.header('content-type'))) {
    return err('media-type-unsupported', 'send application/json');
  }
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding !== 'identity') {
    return err('media-type-unsupported', 'send the body without content-encoding');
  }
  const bytesMax = spec.bodyBytesMax ?? REQUEST_BYTES_MAX;
  return readBody(c.req.raw, c.req.header('content-length'), bytesMax);
}

function takesBody(spec: Pick<AnyRouteSpec, 'body' | 'bytes'>): boolean {
  return spec.body !== undefined || spec.bytes === true;
}

function hasDigestAsked(c: Context<EdgeEnv>, body: Uint8Array): boolean {
  if (c.req.header('accept-signature') === undefined) return true;
  return c.req.header('content-digest') === contentDigest(body);
}

function readBodyValue<B>(
  spec: { body?: z.ZodType<B> },
  raw: Uint8Array,
): InputResult<B | undefined> {
  if (spec.body === undefined) return ok(undefined);
  const json = readJson(raw);
  if (!json.ok) return json;
  return check(spec.body, json.value, '');
}

async function readSigner(
  c: Context<EdgeEnv>,
  deps: RouterDeps,
  signed: Signed,
  spec: Pick<AnyRouteSpec, 'body' | 'bytes'>,
  raw: Uint8Array,
): Promise<InputResult<string | null>> {
  if (signed === 'none') return ok(null);
  if (signed === 'optional' && c.req.header('signature') === undefined) return ok(null);
  return requestSigner(c, deps.signature, takesBody(spec) ? raw : undefined);
}

/** Query members that stand there twice stay arrays, which no schema takes. */
function readQuery(c: Context<EdgeEnv>): Record<string, string | string[]> {
  if (!c.req.url.includes('?')) return {};
  const query: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(c.req.queries())) {
    const [first, ...rest] = values;
    if (first !== undefined) query[name] = rest.length === 0 ? first : values;
  }
  return query;
}

/** Fields that were wrong, at most this many. */
const ERRORS_MAX = 16;

function check<T>(schema: z.ZodType<T> | undefined, value: unknown, at: string) {
  // A route that describes no parameters is given none.
  if (schema === undefined) return ok(undefined);
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const errors = parsed.error.issues.slice(0, ERRORS_MAX).map(({ path, message }) => ({
    pointer: `${at}${path.map((step) => `/${pointerStep(String(step))}`).join('')}`.slice(0, 256),
    detail: message.slice(0, 256),
  }));
  const first = errors[0];
  return {
    ok: false,
    code: 'invalid-request',
    detail: first && `${first.pointer || '/'}: ${first.detail}`,
    extra: { errors },
  } as const;
}

/** RFC 6901 section 3. */
function pointerStep(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}
