import { greetServiceName } from '../grpc/contract.ts';

/**
 * How a gRPC client deals with its replicas: all of them in turn, and again where one is unavailable.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 */
export function serviceConfig(attempts: number) {
  const retryPolicy = {
    maxAttempts: attempts,
    initialBackoff: '0.050s',
    maxBackoff: '1s',
    backoffMultiplier: 2,
    retryableStatusCodes: ['UNAVAILABLE'],
  };
  return {
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: [{ name: [{ service: greetServiceName }], ...(attempts > 1 && { retryPolicy }) }],
    // When half of the calls fail, retries stop: they would only add to an overload.
    retryThrottling: { maxTokens: 100, tokenRatio: 0.1 },
  };
}
