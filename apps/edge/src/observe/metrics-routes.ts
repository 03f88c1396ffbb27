import { isLoopback } from '../http/client-address.ts';
import { fail } from '../http/problem.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import type { Metrics } from '../ports.ts';

export type MetricsDeps = { metrics: Metrics; operators: readonly string[] };

export function metricsRoutes(deps: MetricsDeps & RouterDeps): Router {
  const router = createRouter(deps);
  router.add(
    {
      method: 'get',
      path: '/metrics',
      tag: 'operations',
      summary: 'Prometheus metrics of this worker',
      description: 'From loopback, or with the signature of a DID in OPERATORS.',
      signed: 'optional',
      answers: { 200: { description: 'Text format 0.0.4', mediaType: 'text/plain' } },
      failures: ['signature-missing', 'forbidden', 'not-found'],
    },
    async (c, { signer }) => {
      // A proxy on this machine is loopback too: only an unforwarded request is local.
      const isLocal =
        isLoopback(c.get('clientAddress')) && c.req.header('x-forwarded-for') === undefined;
      if (!isLocal && signer === null) return fail(c, 'signature-missing');
      if (!isLocal && signer !== null && !deps.operators.includes(signer)) {
        return fail(c, 'forbidden');
      }
      const text = await deps.metrics.render();
      if (text === null) return fail(c, 'not-found', 'this runtime keeps its numbers elsewhere');
      return c.body(text, 200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        'cache-control': 'no-store',
      });
    },
  );
  return router;
}
