import type { CommandOptions } from './command-line.ts';
import { readEnvironment } from './environment.ts';
import { openHttp } from './http-transport.ts';
import { findLocalService } from './local-service.ts';
import type { Inject, Transport } from './transport.ts';
import { UsageError } from './usage-error.ts';

/**
 * Opens the transport that the options ask for. Without a target it calls the local service, which the environment and the folder's `.env`
 * describe.
 *
 * @throws {UsageError}
 */
export async function openTransport(
  options: CommandOptions,
  env: NodeJS.ProcessEnv,
  folder: string,
): Promise<Transport> {
  const local = options.target === undefined ? findLocalService(readEnvironment(env, folder)) : undefined;
  // Loaded only if needed: the gRPC packages take longer to load than an HTTP call takes.
  const open = options.isGrpc ? (await import('./grpc-transport.ts')).openGrpc : openHttp;
  try {
    return open(options, local, injectTrace(env));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // The client's message begins with the name of an option. The command's options have the same names, except for TLS.
    throw new UsageError(`--${error.message.replace(/^tls:/, 'cert and --key:')}`);
  }
}

/** Continues the trace of the calling script, if it has one (OpenTelemetry: environment variables as context propagation carriers). */
function injectTrace({ TRACEPARENT, TRACESTATE }: NodeJS.ProcessEnv): Inject {
  return (carrier) => {
    if (TRACEPARENT) carrier.traceparent = TRACEPARENT;
    if (TRACESTATE) carrier.tracestate = TRACESTATE;
  };
}
