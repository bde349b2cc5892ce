#!/usr/bin/env node
import { run } from './command/run.ts';

// Hides DEP0123 from the user, who can do nothing about it: grpc-js sends an IP address as the TLS server name.
process.noDeprecation = true;

// A reader such as `head` closes the pipe once it has enough. The rest of the output is not needed then.
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
