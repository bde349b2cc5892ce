import * as z from 'zod';
import type { Readiness } from '../../resilience/readiness.ts';
import type { App } from '../instance.ts';
import { commonHeaders, requestProblems } from '../responses.ts';

const probePaths: readonly (string | undefined)[] = ['/livez', '/readyz'];

/** @param route the pattern of the route that takes the request, if there is one. */
export function isProbe(route: string | undefined): boolean {
  return probePaths.includes(route);
}

const livenessSchema = z
  .object({ status: z.literal('alive').meta({ description: 'The process answers.' }) })
  .meta({ id: 'Liveness', description: 'That the process answers.' });

export const readinessSchema = z
  .object({
    status: z
      .enum(['starting', 'ready', 'draining'])
      .meta({ description: 'Where the replica is in its life.' }),
  })
  .meta({ id: 'Readiness', description: 'Whether the replica wants new requests.' });

/** The probes of Kubernetes and load balancers. Liveness never depends on readiness, so a drain restarts nothing. */
export async function healthRoutes(
  app: App,
  { readiness }: { readonly readiness: Readiness },
): Promise<void> {
  app.get(
    '/livez',
    {
      schema: {
        operationId: 'getLiveness',
        tags: ['health'],
        summary: 'Is the process alive?',
        description: 'Answers 200 as long as the process can answer at all, also while it drains.',
        response: {
          200: {
            description: 'The process is alive.',
            headers: commonHeaders,
            content: { 'application/json': { schema: livenessSchema, example: { status: 'alive' } } },
          },
          ...requestProblems,
        },
      },
    },
    function handleLivez(_request, reply) {
      reply.header('cache-control', 'no-store').send({ status: 'alive' });
    },
  );

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        tags: ['health'],
        summary: 'Does the replica want new requests?',
        description:
          'Answers 200 when requests should be sent here, and 503 before the service listens and while it drains.',
        response: {
          200: {
            description: 'The replica is ready.',
            headers: commonHeaders,
            content: { 'application/json': { schema: readinessSchema, example: { status: 'ready' } } },
          },
          503: {
            component: 'NotReady',
            description: 'The replica is starting or draining: send requests elsewhere.',
            headers: commonHeaders,
            content: { 'application/json': { schema: readinessSchema, example: { status: 'draining' } } },
          },
          ...requestProblems,
        },
      },
    },
    function handleReadyz(_request, reply) {
      reply
        .code(readiness.state === 'ready' ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ status: readiness.state });
    },
  );
}
