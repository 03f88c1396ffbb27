import { claimAnswerSchema, err, ok, problemSchema, type Result } from '@zerostate/shared';
import { z } from 'zod';
import { type ClaimReads, type FiledClaim, filedClaimSchema } from '../arbiter/ports.ts';

/** An edge that is silent for this long is asked again later. */
const ANSWER_MS_MAX = 30_000;
/** Pages of 100 claims that are read of one list: more are found as these are decided. */
const PAGES_MAX = 50;

const pageSchema = z.object({ claims: z.array(filedClaimSchema), next: z.string().optional() });

/** Reads claims over the edge's public routes. */
export function createClaimReads(edge: string): ClaimReads {
  return {
    async claim(id) {
      const answer = await read(`${edge}/v1/claims/${encodeURIComponent(id)}`, claimAnswerSchema);
      return answer.ok ? ok({ ch: answer.value.ch, state: answer.value.state }) : answer;
    },
    async disputed(ch) {
      const claims: FiledClaim[] = [];
      const url = new URL('/v1/ledger/claims?state=disputed&limit=100', edge);
      if (ch !== undefined) url.searchParams.set('ch', ch);
      for (let page = 0; page < PAGES_MAX; page++) {
        const answer = await read(url.href, pageSchema);
        if (!answer.ok) return answer;
        claims.push(...answer.value.claims);
        if (answer.value.next === undefined) break;
        url.searchParams.set('after', answer.value.next);
      }
      return ok(claims);
    },
  };
}

async function read<T>(url: string, schema: z.ZodType<T>): Promise<Result<T, string>> {
  let text: string;
  let isOk: boolean;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    isOk = response.ok;
    text = await response.text();
  } catch (cause) {
    return err('edge-unreachable', cause instanceof Error ? cause.message : String(cause));
  }
  const value = parsed(text);
  if (!isOk) {
    const problem = problemSchema.safeParse(value);
    return problem.success ? err(problem.data.code, problem.data.detail) : err('edge-unreachable');
  }
  const answer = schema.safeParse(value);
  return answer.success ? ok(answer.data) : err('edge-answer-invalid', url);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
