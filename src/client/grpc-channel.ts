import { type ChannelOptions, type Client, connectivityState, Metadata } from '@grpc/grpc-js';
import { greetServiceName } from '../grpc/contract.ts';

/** The longest response that is read, in bytes. A greeting has less than 500. */
const maxResponseBytes = 65_536;

interface ChannelSettings {
  readonly attempts: number;
  readonly keepaliveMs: number;
  readonly useProxy: boolean;
}

export function channelOptions({ attempts, keepaliveMs, useProxy }: ChannelSettings): ChannelOptions {
  return {
    'grpc.service_config': JSON.stringify(serviceConfig(attempts)),
    // Ignores a service config in DNS.
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_channelz': 0,
    // A replica that came back is found within a second instead of two minutes.
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.max_receive_message_length': maxResponseBytes,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': Math.min(keepaliveMs, 5_000),
    'grpc.enable_http_proxy': useProxy ? 1 : 0,
  };
}

/**
 * Uses all replicas in turn, and tries another one if a replica is unavailable.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 */
function serviceConfig(attempts: number) {
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
    // A failure costs one token and a success earns 0.1. Below half of the tokens retries stop: they would only add to an overload.
    retryThrottling: { maxTokens: 100, tokenRatio: 0.1 },
  };
}

/**
 * Finds out why the channel has no connection. Empty if it has one, or is still connecting. A call that waits for a connection ends at its
 * deadline without the reason; this makes a call that does not wait, and so fails at once with it.
 */
export function lastConnectionError(client: Client): Promise<string> {
  if (client.getChannel().getConnectivityState(false) !== connectivityState.TRANSIENT_FAILURE)
    return Promise.resolve('');
  return new Promise((resolve) => {
    const identity = (bytes: Buffer) => bytes;
    const deadline = Date.now() + 100;
    // Any method without a retry policy.
    const call = [
      '/grpc.health.v1.Health/Check',
      identity,
      identity,
      Buffer.alloc(0),
      new Metadata(),
    ] as const;
    client.makeUnaryRequest(...call, { deadline }, (error) => resolve(readReason(error?.details ?? '')));
  });
}

/** Takes the reason out of `No connection established. Last error: Error: connect ECONNREFUSED … Resolution note: `. */
function readReason(details: string): string {
  const [, last = details] = /.*Last error: (?:Error: )?(.*)\. Resolution note:/s.exec(details) ?? [];
  const [, tls] = /:SSL routines:[^:]*:([^:]+):/.exec(last) ?? [];
  return tls ?? last.replace(/ \(\d{4}-\S+\)$/, '').trim();
}
