#!/usr/bin/env node
import { run } from './command/run.ts';

// grpc-js names an IP address as the server in TLS handshakes (DEP0123), which is nothing that who calls a command can change.
process.noDeprecation = true;

// A reader that has what it wanted, such as head, closes the pipe: there is nobody left to write for.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`greet: the output cannot be written; ${error.message}\n`);
  process.exit(1);
});
process.stderr.on('error', () => {});

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  folder: process.cwd(),
  print: (line) => process.stdout.write(`${line}\n`),
  printError: (line) => process.stderr.write(`${line}\n`),
  hintTimeoutMs: 1_000,
});
