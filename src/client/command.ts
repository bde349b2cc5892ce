#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { GreetError } from './greet-error.ts';
import { createHttpClient } from './http.ts';

const help = `Usage: greet [options] NAME...
       greet [options] health

Greets each NAME, or tells whether the service is ready. (A person called health: greet -- health)

  --grpc               call over gRPC instead of HTTP
  --url URL            where HTTP is served   (default: http://localhost:8080, or $PORT)
  --address TARGET     where gRPC is served   (default: localhost:50051, or $GRPC_PORT)
  --timeout MS         how long a call may take, in milliseconds (default: 5000)
  --json               print JSON
  --help               print this

Exit status: 0 greeted, or ready; 1 refused, failed, or not ready; 2 wrong usage; 3 nobody answered.`;

const options = {
  grpc: { type: 'boolean', default: false },
  url: { type: 'string', default: `http://localhost:${process.env.PORT || 8080}` },
  address: { type: 'string', default: `localhost:${process.env.GRPC_PORT || 50051}` },
  timeout: { type: 'string', default: '5000' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

class UsageError extends Error {}

/** The caller's trace, where a script has one (OpenTelemetry: environment variables as context propagation carriers). */
function inject(carrier: Record<string, string>): void {
  const { TRACEPARENT, TRACESTATE } = process.env;
  if (TRACEPARENT) carrier.traceparent = TRACEPARENT;
  if (TRACESTATE) carrier.tracestate = TRACESTATE;
}

interface Door {
  greet(name: string): Promise<{ message: string }>;
  /** Whether it is ready, and its own word for that. */
  health(): Promise<{ ready: boolean; status: string }>;
  close(): void;
}

interface Values {
  readonly grpc: boolean;
  readonly url: string;
  readonly address: string;
  readonly timeout: string;
}

async function openDoor({ grpc, url, address, timeout }: Values): Promise<Door> {
  const timeoutMs = Number(timeout);
  if (!(Number.isInteger(timeoutMs) && timeoutMs > 0))
    throw new UsageError(`--timeout: expected milliseconds, got ${timeout}`);
  if (grpc) {
    const { createGrpcClient } = await import('./grpc.ts');
    const client = createGrpcClient({ address, timeoutMs, inject });
    return {
      greet: (name) => client.greet(name),
      async health() {
        const status = await client.health();
        return { ready: status === 'SERVING', status };
      },
      close: () => client.close(),
    };
  }
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError(`--url: expected a URL such as http://localhost:8080, got ${url}`);
  }
  const client = createHttpClient({ url, timeoutMs, inject });
  return {
    greet: (name) => client.greet(name),
    async health() {
      const { status } = await client.readiness();
      return { ready: status === 'ready', status };
    },
    close() {},
  };
}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals, tokens } = parse(args);
  if (values.help) {
    print(help);
    return 0;
  }
  if (positionals.length === 0) throw new UsageError('a NAME is missing');
  const isQuoted = tokens.some(({ kind }) => kind === 'option-terminator');
  const door = await openDoor(values);
  try {
    if (positionals[0] === 'health' && !isQuoted) {
      if (positionals.length > 1) throw new UsageError('health takes no NAME');
      const { ready, status } = await door.health();
      print(values.json ? JSON.stringify({ status }) : status);
      return ready ? 0 : 1;
    }
    for (const name of positionals) {
      const { message } = await door.greet(name);
      print(values.json ? JSON.stringify({ message }) : message);
    }
    return 0;
  } finally {
    door.close();
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`greet: ${error.message}\nTry greet --help.\n`);
    process.exitCode = 2;
  } else if (error instanceof GreetError) {
    process.stderr.write(`greet: ${error.message}\n`);
    process.exitCode = error.kind === 'unavailable' || error.kind === 'timeout' ? 3 : 1;
  } else throw error;
}
