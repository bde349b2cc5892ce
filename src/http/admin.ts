import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import Negotiator from 'negotiator';
import type { Config } from '../config/config.ts';
import { hostNameOf, isHost, isLoopback } from '../net/host.ts';
import type { Faults } from '../resilience/faults.ts';
import { renderMetrics } from '../telemetry/metrics.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createGuard } from './guard.ts';
import { type App, createInstance } from './instance.ts';
import { negotiateType, textType } from './negotiate.ts';
import { Problem } from './problem.ts';
import { profileRoutes } from './routes/profiles.ts';
import { faultRoutes, logLevelRoutes } from './routes/runtime-settings.ts';

interface AdminOptions {
  readonly config: Pick<Config, 'admin' | 'adminHosts' | 'logLevel'>;
  readonly faults: Faults;
  readonly telemetry: Telemetry;
}

/** The endpoints of this port, for the index. */
const endpoints = [
  {
    path: '/metrics',
    methods: ['GET'],
    about: 'metrics, as Prometheus text or as OpenMetrics with exemplars',
  },
  { path: '/version', methods: ['GET'], about: 'version, revision and Node version' },
  {
    path: '/log-level',
    methods: ['GET', 'PUT', 'DELETE'],
    about: 'the level of the log, for a time: {"level":"debug","forSeconds":600}',
  },
  {
    path: '/faults',
    methods: ['GET', 'PUT', 'DELETE'],
    about: 'injected faults, for a time: {"delayMs":100,"errorRate":0.1,"forSeconds":60} (ADMIN_FAULTS)',
  },
  { path: '/profiles/cpu', methods: ['POST'], about: 'a CPU profile: {"seconds":10} (ADMIN_PROFILES)' },
  { path: '/profiles/heap', methods: ['POST'], about: 'a heap snapshot, gzip: {} (ADMIN_PROFILES)' },
] as const;

/** The application for operators. It has a port of its own, which is not for the public. */
export async function buildAdminApp({ config, faults, telemetry }: AdminOptions): Promise<App> {
  const { logger, metrics } = telemetry;
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

  app.get('/', (request, reply) => {
    if ((negotiateType(request.headers.accept) ?? textType) !== textType)
      return reply.send({ ...metrics.build, endpoints });
    const { version, revision, node } = metrics.build;
    const lines = endpoints.map(
      ({ path, methods, about }) => `${path.padEnd(16)}${methods.join(', ').padEnd(18)}${about}\n`,
    );
    return reply.type(textType).send(`greet ${version} (${revision}), Node ${node}\n\n${lines.join('')}`);
  });
  app.get('/version', () => metrics.build);
  metricsRoute(app, telemetry);
  await app.register(logLevelRoutes, { config, logger });
  if (config.admin.faults) await app.register(faultRoutes, { faults });
  else refuse(app, ['/faults'], 'Injected faults are turned off here. Set ADMIN_FAULTS=on to turn them on.');
  if (config.admin.profiles) await app.register(profileRoutes);
  else
    refuse(
      app,
      ['/profiles/cpu', '/profiles/heap'],
      'Profiles are turned off here. Set ADMIN_PROFILES=on to turn them on.',
    );
  return app;
}

const compress = promisify(gzip);

function metricsRoute(app: App, { metrics }: Telemetry): void {
  app.get('/metrics', async ({ headers }, reply) => {
    const { contentType, text } = await renderMetrics(metrics.registry, headers.accept);
    reply.type(contentType).header('vary', 'Accept, Accept-Encoding');
    // Only for a client that asks: compressing takes more time than making the text.
    if (new Negotiator({ headers }).encoding(['gzip', 'identity']) !== 'gzip') return reply.send(text);
    return reply.header('content-encoding', 'gzip').send(await compress(text, { level: 1 }));
  });
}

/** Answers requests to a part of the port that is turned off, and says how to turn it on. */
function refuse(app: App, paths: readonly string[], detail: string): void {
  for (const url of paths)
    app.route({
      method: ['GET', 'PUT', 'POST', 'DELETE'],
      url,
      onRequest(_request, _reply, done) {
        done(new Problem(403, detail));
      },
      handler() {},
    });
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
