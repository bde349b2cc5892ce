import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

export const help = `Usage: greet [options] NAME...
       greet [options] health

Greets each NAME, or tells whether the service is ready. To greet someone called health: greet -- health

  --url URL            where HTTP is served (default: http://localhost:8080)
  --grpc               call over gRPC instead of HTTP
  --address TARGET     with --grpc: where gRPC is served (default: localhost:50051)
  --tls                with --grpc: call over TLS; for HTTP, give a URL with https
  --cacert FILE        the authorities that may have signed the service's certificate, in PEM (default: those that Node trusts)
  --cert FILE          with --grpc: the client's certificate, in PEM, for a service that asks for one
  --key FILE           with --grpc: its private key
  --timeout MS         how long a call may take, in milliseconds (default: 5000)
  --json               print JSON
  -h, --help           print this
  --version            print the version

The defaults are those of the service beside: HOST, PORT, GRPC_PORT and TLS_CERT_FILE are read from the environment and from .env in
this folder, as the service reads them. With TLS_CERT_FILE the defaults are over TLS, and any certificate is accepted.

Exit status: 0 greeted, or ready; 1 refused, failed, or not ready; 2 wrong usage; 3 no answer.`;

const options = {
  grpc: { type: 'boolean' },
  url: { type: 'string' },
  address: { type: 'string' },
  tls: { type: 'boolean' },
  cacert: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

export interface CommandOptions {
  readonly isGrpc: boolean;
  /** The URL, or the gRPC target; undefined for the local service. */
  readonly target: string | undefined;
  readonly isTls: boolean;
  readonly cacert: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly timeoutMs: number;
  readonly isJson: boolean;
}

export type Command =
  | { readonly action: 'help' }
  | { readonly action: 'version' }
  | { readonly action: 'health'; readonly options: CommandOptions }
  | { readonly action: 'greet'; readonly names: readonly string[]; readonly options: CommandOptions };

/** @throws {UsageError} */
export function readCommandLine(args: readonly string[]): Command {
  const { values, positionals, tokens } = parse(args);
  if (values.help) return { action: 'help' };
  if (values.version) return { action: 'version' };
  const given = tokens.filter((token) => token.kind === 'option');
  for (const { rawName, name, value, index } of given) {
    const isRepeated = given.some((other) => other.name === name && other.index < index);
    if (isRepeated && value !== undefined) throw new UsageError(`${rawName}: expected once`);
  }
  checkEffects(values);
  const options = {
    isGrpc: values.grpc ?? false,
    target: values.grpc ? values.address : values.url,
    isTls: values.tls ?? false,
    cacert: values.cacert,
    cert: values.cert,
    key: values.key,
    timeoutMs: readTimeout(values.timeout),
    isJson: values.json ?? false,
  };
  const [first] = tokens.filter(({ kind }) => kind === 'positional' || kind === 'option-terminator');
  if (first?.kind !== 'positional' || first.value !== 'health') {
    if (positionals.length === 0) throw new UsageError('a NAME is missing');
    return { action: 'greet', names: positionals, options };
  }
  if (positionals.length > 1) throw new UsageError('health takes no NAME');
  return { action: 'health', options };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
  } catch (error) {
    // Node's message ends with a long hint about `--`, which is cut off here.
    const [message = ''] = (error as Error).message.split('. To specify');
    const isUnknown = (error as NodeJS.ErrnoException).code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION';
    throw new UsageError(isUnknown ? `${message}; a NAME that begins with - goes after --` : message);
  }
}

type Values = ReturnType<typeof parse>['values'];

/** Refuses options that the chosen transport ignores, so that nobody believes that they work. */
function checkEffects({ grpc, url, address, tls, cert, key }: Values): void {
  if (grpc) {
    if (url !== undefined) throw new UsageError('--url has no effect with --grpc: use --address');
    if ((cert === undefined) !== (key === undefined))
      throw new UsageError('--cert and --key: expected both or neither');
    return;
  }
  if (address !== undefined) throw new UsageError('--address has no effect without --grpc: use --url');
  if (tls) throw new UsageError('--tls has no effect without --grpc: give a --url with https');
  if (cert !== undefined) throw new UsageError('--cert has no effect without --grpc');
  if (key !== undefined) throw new UsageError('--key has no effect without --grpc');
}

/** The longest delay of a JavaScript timer. */
const maxTimeoutMs = 2 ** 31 - 1;

function readTimeout(text = '5000'): number {
  const timeoutMs = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (timeoutMs > 0 && timeoutMs <= maxTimeoutMs) return timeoutMs;
  throw new UsageError(
    `--timeout: expected milliseconds, a whole number from 1 to ${maxTimeoutMs}, got ${JSON.stringify(text)}`,
  );
}
