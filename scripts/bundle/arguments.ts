import { version } from '../../src/shipped-files.ts';

const help = `Usage: node dist/main.js [--version | --help]

Serves greetings over HTTP and gRPC until it is told to stop (SIGTERM, Ctrl-C). It takes no other arguments: settings are environment
variables, or lines of a .env file in the working directory. The first to know:

  HOST         the address to listen on; :: is every one   (default: localhost)
  PORT         HTTP                                        (default: 8080)
  GRPC_PORT    gRPC                                        (default: 50051)
  ADMIN_PORT   metrics, log level, faults, profiles        (default: 9464)
  LOG_LEVEL    trace, debug, info, warn, error, fatal      (default: info)

All of them are in .env.example and docs/settings.md.

Exit status: 0 after a drain; 1 for a setting that is not valid or an error; 2 for wrong usage.`;

/**
 * Handles the arguments, and ends the process if there are any. It runs before the program is loaded, which takes a hundred times as long.
 */
function answerArguments([first, ...others]: readonly string[]): void {
  if (first === undefined) return;
  const isHelp = first === '--help' || first === '-h';
  if (others.length > 0 || !(isHelp || first === '--version')) {
    const unknown = [first, ...others].join(' ');
    process.stderr.write(
      `greet: expected no arguments, --version or --help; got ${unknown}\nSettings are environment variables, such as PORT=8081.\n`,
    );
    process.exit(2);
  }
  const revision = process.env.BUILD_REVISION?.trim() || 'unknown';
  const words = `greet ${version} (revision ${revision}), Node ${process.versions.node}`;
  process.stdout.write(`${isHelp ? help : words}\n`);
  process.exit(0);
}

answerArguments(process.argv.slice(2));
