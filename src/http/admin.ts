import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Config } from '../config/config.ts';
import { hostNameOf, isHost, isLoopback } from '../net/host.ts';
import type { Faults } from '../resilience/faults.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createGuard } from './guard.ts';
import { type App, createInstance } from './instance.ts';
import { Problem } from './problem.ts';
import { faultRoutes } from './routes/faults.ts';

interface AdminOptions {
  readonly config: Pick<Config, 'adminHosts'>;
  readonly faults: Faults;
  readonly telemetry: Telemetry;
}

/** The application for operators. It has a port of its own, which is not for the public. */
export async function buildAdminApp({
  config,
  faults,
  telemetry: { logger, metrics },
}: AdminOptions): Promise<App> {
  const app = createInstance(logger);
  app.addHook('onRequest', function begin(request, reply, done) {
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    done();
  });
  app.addHook('onRequest', function checkHost({ raw }, _reply, done) {
    done(isAllowedHost(raw, config.adminHosts) ? undefined : misdirected);
  });
  const { guard, handleNotFound } = createGuard(app);
  app.addHook('onRequest', guard);
  app.setNotFoundHandler(handleNotFound);

  const { registry } = metrics;
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  await app.register(faultRoutes, { faults });
  return app;
}

const misdirected = new Problem(
  421,
  'The admin port answers only to localhost and to the names in ADMIN_HOSTS. Add the name in the Host header to ADMIN_HOSTS.',
);

/**
 * Refuses a page that has rebound its own name to this address (DNS rebinding): its requests have that name in Host. A connection to a
 * loopback address may name only this machine. On other addresses Prometheus and Kubernetes connect by address or by names that only the
 * operator knows: any name is accepted unless ADMIN_HOSTS lists them.
 */
export function isAllowedHost({ headers, socket }: IncomingMessage, adminHosts: readonly string[]): boolean {
  // Only a client of HTTP/1.0 sends no Host, and no browser is one. The guard refuses what is not a host.
  if (headers.host === undefined || !isHost(headers.host)) return true;
  const name = hostNameOf(headers.host);
  if (isLoopback(name) || adminHosts.includes(name)) return true;
  if (isLoopback(socket.localAddress ?? '')) return false;
  return adminHosts.length === 0 || isIP(name) !== 0;
}
