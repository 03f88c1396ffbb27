import { type Problem, problemSchema } from '@zerostate/shared';
import { ANSWER_BYTES_MAX } from '../limits.ts';
import { type EdgeResult, failure } from './outcome.ts';

/** A schema of `@zerostate/shared`, without a dependency on the library that made it. */
export interface Schema<T> {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[] }[] } };
}

/** Reads a body up to a limit: an edge is trusted neither with memory nor with its own length. */
export async function readBytes(
  response: Response,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (response.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > bytesMax) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** The JSON of a successful answer, checked against its schema. */
export async function readJson<T>(response: Response, schema: Schema<T>): Promise<EdgeResult<T>> {
  const bytes = await readBytes(response, ANSWER_BYTES_MAX);
  if (bytes === null) return failure('edge-answer-invalid', `over ${ANSWER_BYTES_MAX} bytes`);
  const value = parse(bytes);
  if (value === undefined) return failure('edge-answer-invalid', 'not JSON');
  const checked = schema.safeParse(value);
  if (checked.success) return { ok: true, value: checked.data };
  const path = checked.error.issues[0]?.path.map(String).join('.') ?? '';
  return failure('edge-answer-invalid', path === '' ? 'unexpected shape' : `field ${path}`);
}

/** The problem of a refused request; without one, the bare status says what is known. */
export async function readProblem(response: Response): Promise<EdgeResult<never>> {
  const bytes = await readBytes(response, ANSWER_BYTES_MAX);
  const checked = problemSchema.safeParse(bytes === null ? undefined : parse(bytes));
  if (!checked.success) return failure('edge-answer-invalid', `status ${response.status}`);
  const problem: Problem = checked.data;
  const detail = problem.detail ?? problem.title;
  return { ok: false, code: problem.code, detail, problem };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
