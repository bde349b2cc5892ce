import type { Faults } from '../resilience/faults.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createGuard } from './guard.ts';
import { type App, createInstance } from './instance.ts';
import { faultRoutes } from './routes/faults.ts';

interface AdminOptions {
  readonly faults: Faults;
  readonly telemetry: Telemetry;
}

/** The application for operators. It has a port of its own, which is not for the public. */
export async function buildAdminApp({ faults, telemetry: { logger, metrics } }: AdminOptions): Promise<App> {
  const app = createInstance(logger);
  app.addHook('onRequest', function begin(request, reply, done) {
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    done();
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
