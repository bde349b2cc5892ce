import { Metadata } from '@grpc/grpc-js';
import { toGreetError } from './greet-error.ts';
import type { ClientOptions } from './options.ts';

/** Builds the metadata of a call: what `inject` adds, and the request id. @throws {GreetError} if gRPC cannot carry it. */
export function createMetadata(
  requestId: string | null | undefined,
  inject: ClientOptions['inject'],
): Metadata {
  // grpc-js ignores `waitForReady` in the service config.
  const metadata = new Metadata({ waitForReady: true });
  try {
    const carrier: Record<string, string> = {};
    inject?.(carrier);
    for (const [key, value] of Object.entries(carrier)) metadata.set(key, value);
  } catch (cause) {
    throw toGreetError('refused', 'inject', cause);
  }
  if (requestId != null) metadata.set('x-request-id', requestId);
  return metadata;
}
