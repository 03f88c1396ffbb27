import { fail } from '../http/problem.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';

/** Where executors dial. The entry takes the upgrade before it gets here. */
export const LINK_PATH = '/v1/link';

export function linkRoutes(deps: RouterDeps): Router {
  const router = createRouter(deps);
  router.add(
    {
      method: 'get',
      path: LINK_PATH,
      tag: 'link',
      summary: 'The executor link (WebSocket)',
      description: 'Frames, greeting and messages are described in the protocol guide.',
      answers: { 101: { description: 'Switching to WebSocket' } },
      failures: ['upgrade-required', 'busy'],
    },
    (c) => {
      c.header('upgrade', 'websocket');
      return fail(c, 'upgrade-required', 'dial this route as WebSocket');
    },
  );
  return router;
}
