import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { type Config, logLevels } from '../../config/config.ts';
import { plainAddress } from '../../net/client-address.ts';
import { type Faults, faultRequestSchema } from '../../resilience/faults.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { App } from '../instance.ts';

/** `/faults`: reads, sets and ends the injected faults, for both transports. */
export async function faultRoutes(app: App, { faults }: { readonly faults: Faults }): Promise<void> {
  const ending = createEnding(app);
  const state = () => ({ ...faults.plan, ...ending.fields() });

  app.get('/faults', state);

  app.put('/faults', { schema: { body: faultRequestSchema } }, (request) => {
    const { forSeconds, ...plan } = request.body;
    faults.plan = plan;
    ending.set(forSeconds, () => {
      faults.clear();
      request.log.warn(state(), 'no more faults are injected: their time is over');
    });
    request.log.warn({ ...state(), ...sentBy(request) }, 'faults are injected from now on');
    return state();
  });

  app.delete('/faults', (request) => {
    ending.cancel();
    faults.clear();
    request.log.warn({ ...state(), ...sentBy(request) }, 'no more faults are injected');
    return state();
  });
}

const levelError = { error: `must be one of ${logLevels.join(', ')}` };
const timeError = { error: 'must be a whole number of seconds from 1 to 3600' };

const logLevelSchema = z.strictObject({
  level: z.enum(logLevels, levelError),
  forSeconds: z.int(timeError).min(1, timeError).max(3_600, timeError).default(600),
});

interface LogLevelOptions {
  readonly config: Pick<Config, 'logLevel'>;
  readonly logger: Logger;
}

/** `/log-level`: reads and changes the level of both logs. It always returns to the configured one: a verbose log fills disks. */
export async function logLevelRoutes(app: App, { config, logger }: LogLevelOptions): Promise<void> {
  const { logLevel: configured } = config;
  const ending = createEnding(app);
  const state = () => ({ level: logger.level, configured, ...ending.fields() });
  const change = (to: string, fields: object) => {
    const from = logger.level;
    const announce = () => logger.warn({ from, to, ...ending.fields(), ...fields }, 'log level changed');
    // Written at the more verbose of the two levels. The other one would hide it.
    const isQuieter = severityOf(to) > severityOf(from);
    if (isQuieter) announce();
    logger.level = to;
    if (!isQuieter) announce();
  };
  const severityOf = (level: string) => logger.levels.values[level] ?? Number.POSITIVE_INFINITY;

  app.get('/log-level', state);

  app.put('/log-level', { schema: { body: logLevelSchema } }, (request) => {
    const { level, forSeconds } = request.body;
    ending.set(level === configured ? undefined : forSeconds, () => change(configured, {}));
    change(level, sentBy(request));
    return state();
  });

  app.delete('/log-level', (request) => {
    ending.cancel();
    change(configured, sentBy(request));
    return state();
  });
}

/** The client, for the log. No proxy is trusted on this port. */
export function sentBy({ ip }: FastifyRequest): { readonly client: string } {
  return { client: plainAddress(ip) };
}

/** Ends a setting after a time. */
function createEnding(app: App) {
  let timer: NodeJS.Timeout | undefined;
  let until: Date | undefined;
  const cancel = () => {
    clearTimeout(timer);
    until = undefined;
  };
  app.addHook('onClose', async () => cancel());
  return {
    cancel,
    /** Replaces the end that was set before; without a time there is none. */
    set(seconds: number | undefined, end: () => void) {
      cancel();
      if (seconds === undefined) return;
      until = new Date(Date.now() + seconds * 1_000);
      timer = setTimeout(() => {
        until = undefined;
        end();
      }, seconds * 1_000).unref();
    },
    /** When it ends, as a field; empty if it does not end by itself. */
    fields: () => (until === undefined ? {} : { until: until.toISOString() }),
  };
}
