import { type ProblemCode, problemOf } from '../http/problem.ts';
import type { Caller, Links, Place } from '../hub/links.ts';
import { LINK_PATH } from '../hub/routes.ts';

/** Whether a request wants to become an executor link. */
export function isLinkUpgrade(request: Request): boolean {
  const isWebSocket = request.headers.get('upgrade')?.toLowerCase() === 'websocket';
  return isWebSocket && new URL(request.url).pathname === LINK_PATH;
}

/** A problem where no app made the answer. */
export function problemResponse(code: ProblemCode, detail?: string): Response {
  const problem = problemOf(code, { detail });
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json' },
  });
}

/**
 * A place for a request's socket, where a handler may be slow to answer; null when there is none. A
 * peer that hangs up meanwhile keeps its turn, which is over at once: a signal that is listened to
 * would keep the request for as long as the link lives.
 */
export function waitForPlace(links: Links, caller: Caller): Promise<Place | null> {
  return new Promise((resolve) => {
    links.wait(caller, resolve);
  });
}
