#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { openDoor, UsageError } from './doors.ts';
import { GreetError } from './greet-error.ts';

const help = `Usage: greet [options] NAME...
       greet [options] health

Greets each NAME, or tells whether the service is ready. (A person called health: greet -- health)

  --grpc               call over gRPC instead of HTTP
  --url URL            where HTTP is served   (default: http://localhost:8080, or $PORT)
  --address TARGET     where gRPC is served   (default: localhost:50051, or $GRPC_PORT)
  --tls                call gRPC over TLS; for HTTP, give a URL with https
  --cacert FILE        who may have signed the service's certificate, in PEM (default: whom Node trusts)
  --cert FILE          the caller's own certificate, in PEM, for gRPC that asks for one
  --key FILE           its private key
  --timeout MS         how long a call may take, in milliseconds (default: 5000)
  --json               print JSON
  --help               print this

Where $TLS_CERT_FILE is set, that is, beside the service, the defaults are over TLS; HTTP then takes any certificate.

Exit status: 0 greeted, or ready; 1 refused, failed, or not ready; 2 wrong usage; 3 nobody answered.`;

const options = {
  grpc: { type: 'boolean', default: false },
  url: { type: 'string' },
  address: { type: 'string' },
  tls: { type: 'boolean', default: false },
  cacert: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  timeout: { type: 'string', default: '5000' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

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
