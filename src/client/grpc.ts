import { Client, credentials, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { greetService, greetServiceName } from '../grpc/contract.ts';
import { healthService } from '../net/grpc/health-messages.ts';
import { assertName, GreetError, toGreetError } from './greet-error.ts';
import { channelOptions, lastConnectionError } from './grpc-channel.ts';
import { connectionErrorOf, errorOfStatus, isOverdue } from './grpc-error.ts';
import { createMetadata } from './grpc-metadata.ts';
import type { GrpcClientOptions } from './grpc-options.ts';
import { readTarget } from './grpc-target.ts';
import { isLocalHost } from './local-host.ts';
import { checkCallOptions, checkClientOptions, checkMilliseconds } from './option-checks.ts';
import type { CallOptions } from './options.ts';
import { createTlsChannel } from './tls-channel.ts';
import type { Greeting } from './types.ts';

export { GreetError, type GreetErrorKind } from './greet-error.ts';
export type { GrpcClientOptions, TlsOptions } from './grpc-options.ts';
export type { CallOptions } from './options.ts';
export type { Greeting, Violation } from './types.ts';

export interface GrpcClient {
  /** @throws {GreetError} */
  greet(name: string, options?: CallOptions): Promise<Greeting>;
  /** Asks the health service for the status of greet.GreetService, without retries. @throws {GreetError} */
  health(options?: CallOptions): Promise<'SERVING' | 'NOT_SERVING'>;
  /** Closes the client. Calls in progress go on, unless they wait for a connection; later ones are `cancelled`. */
  close(): void;
}

/**
 * A client over gRPC, with a deadline, retries and round-robin over all addresses. A call waits while there is no connection.
 *
 * @throws {TypeError} for options that are not valid. Every later failure rejects its call with a GreetError.
 */
export function createGrpcClient(options: GrpcClientOptions): GrpcClient {
  const endpoints = readTarget(options?.address);
  checkClientOptions(options, 5);
  checkMilliseconds('keepaliveMs', options.keepaliveMs);
  const { address, tls, timeoutMs = 5_000, attempts = 3, inject } = options;
  const { keepaliveMs = 30_000, useProxy = !endpoints.every(({ host }) => isLocalHost(host)) } = options;
  const channel =
    tls !== undefined
      ? createTlsChannel(tls, endpoints[0]?.host)
      : { credentials: credentials.createInsecure(), options: {} };
  const client = new Client(address, channel.credentials, {
    ...channelOptions({ attempts, keepaliveMs, useProxy }),
    ...channel.options,
  });
  let isClosed = false;

  /** Makes one call, which gRPC's retry policy may send several times. */
  const call = <Request, Response>(
    { path, requestSerialize, responseDeserialize }: UnaryDefinition<Request, Response>,
    request: Request,
    { signal, requestId }: CallOptions,
    deadline: number,
  ): Promise<Outcome<Response>> =>
    new Promise((resolve) => {
      const metadata = createMetadata(requestId, inject);
      let headers: Metadata | undefined;
      const done = (error: ServiceError | null, response?: Response) => {
        signal?.removeEventListener('abort', cancel);
        resolve({ error, response, headers });
      };
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
      signal?.addEventListener('abort', cancel);
      // `inject` may have aborted it.
      if (signal?.aborted) cancel();
      running.on('metadata', (received) => {
        headers = received;
      });
    });

  /** Returns the response, or throws the GreetError for the failure. */
  const ask = async <Request, Response>(
    method: UnaryDefinition<Request, Response>,
    request: Request,
    callOptions: CallOptions | undefined,
    maxAttempts: number,
  ): Promise<Response> => {
    checkCallOptions(callOptions);
    const { signal } = { ...callOptions };
    const deadline = Date.now() + timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      if (signal?.aborted)
        throw new GreetError('cancelled', 'The call was cancelled.', { cause: signal.reason });
      if (isClosed) throw new GreetError('cancelled', 'The client is closed.');
      const { error, response, headers } = await call(method, request, { ...callOptions }, deadline).catch(
        (cause) => {
          throw toGreetError('failed', address, cause);
        },
      );
      if (!error && response !== undefined) return response;
      // After close(), only a call that waits for a connection ends with UNAVAILABLE; others go on.
      const isStopped = isClosed && !headers && error?.code === status.UNAVAILABLE;
      if (signal?.aborted || isStopped) continue;
      if (isOverdue(error)) {
        const reason = headers ? '' : await lastConnectionError(client);
        const message = `${address} did not answer within ${timeoutMs} ms${reason && `: ${reason}`}.`;
        throw new GreetError('timeout', message, { cause: error });
      }
      // gRPC's retry policy ends with the first headers. A greeting can be repeated after that, too.
      const isCutOff =
        error?.code === status.CANCELLED ||
        (headers && error?.code === status.UNAVAILABLE) ||
        connectionErrorOf(error) !== undefined;
      if (!isCutOff || attempt >= maxAttempts) throw errorOfStatus(error, { target: address, headers });
    }
  };

  return {
    async greet(name, callOptions) {
      assertName(name);
      const { message } = await ask(greetService.Greet, { message: name }, callOptions, attempts);
      if (message) return { message };
      throw new GreetError('failed', `${address} answered without a greeting.`);
    },
    async health(callOptions) {
      const request = { service: greetServiceName };
      const { status } = await ask(healthService.Check, request, callOptions, 1);
      if (status === 'SERVING' || status === 'NOT_SERVING') return status;
      throw new GreetError('failed', `${address} answered with the health status ${status}.`);
    },
    close() {
      isClosed = true;
      client.close();
    },
  };
}

interface UnaryDefinition<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

interface Outcome<Response> {
  readonly error: ServiceError | null;
  readonly response: Response | undefined;
  /** The initial metadata, if it arrived. */
  readonly headers: Metadata | undefined;
}
