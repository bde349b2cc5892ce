import { Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { greetService, greetServiceName } from '../grpc/contract.ts';
import { healthService } from '../net/grpc/health-messages.ts';
import { readViolations } from '../net/grpc/rich-status.ts';
import { assertWellFormed, GreetError, type GreetErrorKind } from './greet-error.ts';
import type { CallOptions, Greeting } from './http.ts';
import { serviceConfig } from './service-config.ts';
import { createCredentials, type TlsOptions } from './tls-options.ts';

export interface GrpcClientOptions {
  /**
   * A gRPC target: `localhost:50051`, `dns:///greet:50051` for every address that the name has, or
   * `ipv4:10.0.0.1:50051,10.0.0.2:50051`. Calls go to all of its addresses in turn, and round those that are down.
   */
  readonly address: string;
  /** Calls over TLS; in clear text without it. */
  readonly tls?: TlsOptions | undefined;
  /** How long a call may take with all its attempts, in milliseconds. */
  readonly timeoutMs?: number;
  /** How often a call is tried that the service says it did not take. At most 5. */
  readonly attempts?: number;
  /** Puts metadata into each call, as for W3C Trace Context; see the HTTP client's. */
  readonly inject?: (carrier: Record<string, string>) => void;
}

export interface GrpcClient {
  /** @throws {GreetError} */
  greet(name: string, options?: CallOptions): Promise<Greeting>;
  /** What the health service says of greet.GreetService. @throws {GreetError} */
  health(options?: CallOptions): Promise<'SERVING' | 'NOT_SERVING'>;
  /** Closes its connections; calls under way end as they can. */
  close(): void;
}

/** A client over gRPC, with a deadline, retries, round-robin over all addresses, and patience while none is connected. */
export function createGrpcClient({
  address,
  tls,
  timeoutMs = 5_000,
  attempts = 3,
  inject,
}: GrpcClientOptions): GrpcClient {
  const client = new Client(address, createCredentials(tls), {
    'grpc.service_config': JSON.stringify(serviceConfig(attempts)),
    'grpc.enable_channelz': 0,
    // A replica that came back is found within a second rather than within two minutes.
    'grpc.max_reconnect_backoff_ms': 1_000,
  });

  const call = <Request, Response>(
    { path, requestSerialize, responseDeserialize }: UnaryDefinition<Request, Response>,
    request: Request,
    { signal, requestId }: CallOptions,
    deadline: number,
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      // The service config's own waitForReady is not read by grpc-js: the metadata's is.
      const metadata = new Metadata({ waitForReady: true });
      const carrier: Record<string, string> = {};
      if (requestId !== undefined) carrier['x-request-id'] = requestId;
      inject?.(carrier);
      for (const [key, value] of Object.entries(carrier)) metadata.set(key, value);
      let hasBegun = false;
      const running = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline },
        done,
      );
      const cancel = () => running.cancel();
      if (signal?.aborted) cancel();
      signal?.addEventListener('abort', cancel);
      running.on('metadata', () => {
        hasBegun = true;
      });
      function done(error: ServiceError | null, response?: Response) {
        signal?.removeEventListener('abort', cancel);
        if (!error && response !== undefined) resolve(response);
        else if (hasBegun && error?.code === status.UNAVAILABLE)
          reject(new CutOff(error.details, { cause: error }));
        else reject(toGreetError(error));
      }
    });

  return {
    async greet(name, options = {}) {
      assertWellFormed(name);
      const deadline = Date.now() + timeoutMs;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await call(greetService.Greet, { message: name }, options, deadline);
        } catch (error) {
          // gRPC's own policy retries until the first headers have come. A greeting may be asked for again after that, too.
          if (!(error instanceof CutOff) || attempt >= attempts) throw error;
        }
      }
    },
    async health(options = {}) {
      const request = { service: greetServiceName };
      return (await call(healthService.Check, request, options, Date.now() + timeoutMs)).status;
    },
    close: () => client.close(),
  };
}

/** An answer that had begun to come, and then did not: its replica died. */
class CutOff extends GreetError {
  constructor(message: string, options: { readonly cause: unknown }) {
    super('unavailable', message, options);
  }
}

interface UnaryDefinition<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

const kinds: Readonly<Partial<Record<status, GreetErrorKind>>> = {
  [status.INVALID_ARGUMENT]: 'invalid',
  [status.UNAVAILABLE]: 'unavailable',
  [status.DEADLINE_EXCEEDED]: 'timeout',
  [status.CANCELLED]: 'cancelled',
  [status.RESOURCE_EXHAUSTED]: 'refused',
  [status.UNIMPLEMENTED]: 'refused',
};

function toGreetError(error: ServiceError | null): GreetError {
  if (!error) return new GreetError('failed', 'The service answered nothing.');
  const requestId = error.metadata.get('x-request-id')[0]?.toString();
  // The message calls the name `message`; our callers gave a name.
  const violations = readViolations(error).map(({ detail }) => ({ field: 'name', detail }));
  return new GreetError(kinds[error.code] ?? 'failed', error.details, {
    violations,
    requestId,
    cause: error,
  });
}
