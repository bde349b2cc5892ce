import { Server, type ServiceDefinition, setLogger, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Config } from '../config/config.ts';
import { createClientOf } from '../net/client-address.ts';
import { connectionAgeOptions } from '../net/grpc/connection-age.ts';
import { healthServiceName } from '../net/grpc/health-messages.ts';
import { type GrpcListener, openGrpcListener } from '../net/grpc/listener.ts';
import { acceptMalformed, refuseMalformed } from '../net/grpc/malformed-message.ts';
import { reflectionMethod, reflectionServices } from '../net/grpc/reflection-messages.ts';
import type { Limits } from '../net/limits.ts';
import type { Certificates } from '../net/tls/certificates.ts';
import type { ReportHandshakeFailure } from '../net/tls/handshake-failure.ts';
import type { RateLimit } from '../resilience/rate-limit.ts';
import type { Readiness } from '../resilience/readiness.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { protoMethod } from './contract.ts';
import { createHealth } from './health.ts';
import { createReflection } from './reflection.ts';
import { createCallRefusalAnswer } from './refusals.ts';
import { malformedStatus, withRequestId } from './status.ts';
import { type Admit, type CallableOperation, handleUnary } from './unary.ts';

export interface GrpcServerOptions {
  readonly certificates?: Certificates | undefined;
  readonly config: Pick<Config, 'host' | 'grpcPort' | 'grpc' | 'trustedProxies'>;
  readonly limits: Limits;
  readonly operations: readonly CallableOperation[];
  readonly rateLimit?: RateLimit | undefined;
  readonly readiness: Readiness;
  readonly reportHandshakeFailure: ReportHandshakeFailure;
  readonly telemetry: Telemetry;
}

/**
 * Serves the operations, health and reflection over gRPC, on every address of the host.
 *
 * @throws the system's error, such as EADDRINUSE, with nothing left listening.
 */
export async function openGrpcServer(options: GrpcServerOptions): Promise<GrpcListener> {
  const { config, operations, rateLimit, readiness, telemetry } = options;
  // Otherwise the library writes its messages to standard error instead of the log.
  const log = (...words: unknown[]) => telemetry.logger.debug({ remark: words.join(' ') }, 'gRPC library');
  setLogger({ error: log, info: log, debug: log });
  const server = new Server({
    'grpc.max_receive_message_length': config.grpc.maxMessageBytes,
    'grpc.max_concurrent_streams': config.grpc.maxConcurrentStreams,
    ...connectionAgeOptions(config.grpc),
    // channelz is a debugging service that is not offered here. Without its counters a call costs a fifth less.
    'grpc.enable_channelz': 0,
  });
  const methods = new Set<string>();
  const addService = (definition: ServiceDefinition, implementation: object) => {
    for (const { path } of Object.values(definition)) methods.add(path);
    server.addService(acceptMalformed(definition), implementation as UntypedServiceImplementation);
  };
  const admit = rateLimit && limitRate(rateLimit);
  for (const operation of operations) {
    const { service, name } = operation.method;
    addService({ [name]: protoMethod(service, name) }, { [name]: handleUnary(operation, telemetry, admit) });
  }
  const services = [...new Set(operations.map(({ method }) => method.service))];
  const health = createHealth(readiness, services);
  addService(
    health.definition,
    refuseMalformed(health.implementation, (message, call) => withRequestId(malformedStatus(message), call)),
  );
  const ServerReflectionInfo = createReflection(
    [...services, healthServiceName, ...reflectionServices].sort(),
    telemetry.logger,
  );
  for (const service of reflectionServices)
    addService({ ServerReflectionInfo: reflectionMethod(service) }, { ServerReflectionInfo });

  const listener = await openGrpcListener({
    ...options,
    server,
    keepalive: config.grpc,
    host: config.host,
    port: config.grpcPort,
    methods,
    answerRefusal: createCallRefusalAnswer(telemetry, {
      ...config.grpc,
      methods,
      clientOf: createClientOf(config.trustedProxies),
    }),
  }).catch((error: unknown) => {
    health.close();
    throw error;
  });
  return {
    ...listener,
    close() {
      health.close();
      return listener.close();
    },
  };
}

/** Takes each call from its client's budget, the same one as over HTTP. */
function limitRate({ clientOf, count, maxRequests, limitError }: RateLimit): Admit {
  return function limitCall(call) {
    // grpc-js writes an IPv6 address without brackets as well.
    const peer = call.getPeer().replace(/:\d+$/, '');
    const { used, leftMs } = count(clientOf(peer, call.metadata.get('x-forwarded-for').join(',')));
    if (used > maxRequests) throw limitError(leftMs);
  };
}
