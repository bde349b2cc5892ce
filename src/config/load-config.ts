import type * as z from 'zod';
import { type Config, configOf, type EnvironmentVariables, environmentSchema } from './config.ts';
import { findMisspellings } from './misspelt-variables.ts';
import { tlsFaultsOf } from './tls-settings.ts';
import { endpointFaultsOf } from './tracing-settings.ts';

/** Time at the end of a drain for the last logs and spans, after the listeners are closed, in milliseconds. */
export const flushTimeoutMs = 2_000;

/** Lists every error of the configuration, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

const configSchema = environmentSchema.superRefine(checkPorts).superRefine(checkGrace).transform(configOf);

function checkPorts(env: EnvironmentVariables, ctx: z.RefinementCtx): void {
  const names = ['PORT', 'GRPC_PORT', 'ADMIN_PORT'] as const;
  for (const [index, name] of names.entries()) {
    const other = names.slice(0, index).find((earlier) => env[earlier] !== 0 && env[earlier] === env[name]);
    if (other)
      ctx.addIssue({ code: 'custom', path: [name], message: `expected another port than ${other}'s` });
  }
}

function checkGrace(env: EnvironmentVariables, ctx: z.RefinementCtx): void {
  const needed = env.DRAIN_DELAY_MS + env.SHUTDOWN_TIMEOUT_MS + flushTimeoutMs;
  if (needed < env.TERMINATION_GRACE_PERIOD_MS) return;
  ctx.addIssue({
    code: 'custom',
    path: ['TERMINATION_GRACE_PERIOD_MS'],
    message:
      `expected more than ${needed}: DRAIN_DELAY_MS (${env.DRAIN_DELAY_MS}) + SHUTDOWN_TIMEOUT_MS (${env.SHUTDOWN_TIMEOUT_MS}) + ${flushTimeoutMs} for the last logs, ` +
      'or the orchestrator kills the process in the middle of its drain',
  });
}

/**
 * Reads the configuration from environment variables. An empty variable counts as unset.
 *
 * @throws {ConfigError} that names every bad variable, what was expected and what was found.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const known = Object.fromEntries(
    Object.keys(environmentSchema.shape).map((name) => [name, env[name]?.trim() || undefined]),
  );
  const result = configSchema.safeParse(known);
  const faults = [
    ...(result.error?.issues ?? []).map(({ path: [name], message }) => ({ variable: String(name), message })),
    ...tlsFaultsOf(known),
    ...endpointFaultsOf(known),
  ];
  if (result.success && faults.length === 0) {
    const misspellings = findMisspellings(Object.keys(env), Object.keys(environmentSchema.shape));
    return Object.freeze({ ...result.data, misspellings });
  }
  throw new ConfigError(
    faults.map(({ variable, message }) => {
      const found = env[variable];
      return `${variable}: ${message}${found === undefined ? '' : `; got ${JSON.stringify(found)}`}`;
    }),
  );
}
