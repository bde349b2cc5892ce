import {
  createGrpcClient,
  createHttpClient,
  type GrpcClient,
  type GrpcClientOptions,
  type HttpClient,
  type HttpClientOptions,
} from '../../src/client/exports.ts';
import type { Service } from '../../src/service.ts';

type Listening = { readonly urls: Pick<Service['urls'], 'http' | 'grpc'> };

/** A timeout that a slow machine does not reach. The timeout of the test is the limit. */
const timeoutMs = 120_000;

export function httpClientOf({ urls }: Listening, options: Partial<HttpClientOptions> = {}): HttpClient {
  return createHttpClient({ url: urls.http, timeoutMs, ...options });
}

export function grpcClientOf({ urls }: Listening, options: Partial<GrpcClientOptions> = {}): GrpcClient {
  return createGrpcClient({ address: urls.grpc, timeoutMs, ...options });
}
