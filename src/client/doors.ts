import { readFileSync } from 'node:fs';
import { createHttpClient } from './http.ts';

/** Options that make no sense, in words for the person who gave them. */
export class UsageError extends Error {}

/** The caller's trace, where a script has one (OpenTelemetry: environment variables as context propagation carriers). */
function inject(carrier: Record<string, string>): void {
  const { TRACEPARENT, TRACESTATE } = process.env;
  if (TRACEPARENT) carrier.traceparent = TRACEPARENT;
  if (TRACESTATE) carrier.tracestate = TRACESTATE;
}

/** What the command needs of a client. */
export interface Door {
  greet(name: string): Promise<{ message: string }>;
  /** Whether it is ready, and its own word for that. */
  health(): Promise<{ ready: boolean; status: string }>;
  close(): void;
}

export interface DoorOptions {
  readonly grpc: boolean;
  readonly url?: string | undefined;
  readonly address?: string | undefined;
  readonly tls: boolean;
  readonly cacert?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly timeout: string;
}

/** @throws {UsageError} */
export async function openDoor(values: DoorOptions): Promise<Door> {
  const { timeout } = values;
  const timeoutMs = Number(timeout);
  if (!(Number.isInteger(timeoutMs) && timeoutMs > 0))
    throw new UsageError(`--timeout: expected milliseconds, got ${timeout}`);
  return values.grpc ? openGrpcDoor(values, timeoutMs) : openHttpDoor(values, timeoutMs);
}

/** Whether this is the service's own environment, as in its container, and the service has TLS. */
const isBesideTls = Boolean(process.env.TLS_CERT_FILE);

async function openGrpcDoor({ address, tls, ...files }: DoorOptions, timeoutMs: number): Promise<Door> {
  const isOverTls = tls || Boolean(files.cacert ?? files.cert) || (address === undefined && isBesideTls);
  if ((files.cert === undefined) !== (files.key === undefined))
    throw new UsageError('--cert and --key: expected both or neither');
  const { createGrpcClient } = await import('./grpc.ts');
  const client = createGrpcClient({
    address: address ?? `localhost:${process.env.GRPC_PORT || 50051}`,
    tls: isOverTls
      ? {
          ca: readOption('cacert', files.cacert),
          cert: readOption('cert', files.cert),
          key: readOption('key', files.key),
        }
      : undefined,
    timeoutMs,
    inject,
  });
  return {
    greet: (name) => client.greet(name),
    async health() {
      const status = await client.health();
      return { ready: status === 'SERVING', status };
    },
    close: () => client.close(),
  };
}

async function openHttpDoor({ url, cacert }: DoorOptions, timeoutMs: number): Promise<Door> {
  const target = url ?? `${isBesideTls ? 'https' : 'http'}://localhost:${process.env.PORT || 8080}`;
  if (!/^https?:\/\//.test(target) || !URL.canParse(target)) {
    throw new UsageError(`--url: expected a URL such as http://localhost:8080, got ${target}`);
  }
  const ca = readOption('cacert', cacert);
  // Its certificate is for the name that others call it by, and nobody stands between a service and its own machine.
  const isAnyTaken = url === undefined && isBesideTls && ca === undefined;
  const { createTlsFetch } = await import('./tls-fetch.ts');
  const client = createHttpClient({
    url: target,
    timeoutMs,
    inject,
    ...(ca && target.startsWith('https:') && { fetch: createTlsFetch({ ca }) }),
    ...(isAnyTaken && { fetch: createTlsFetch({ rejectUnauthorized: false }) }),
  });
  return {
    greet: (name) => client.greet(name),
    async health() {
      const { status } = await client.readiness();
      return { ready: status === 'ready', status };
    },
    close() {},
  };
}

function readOption(name: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`--${name}: expected a file that can be read; ${(error as Error).message}`);
  }
}
