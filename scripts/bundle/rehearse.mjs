// Starts the built program, asks it for a greeting, and saves the code that V8 has compiled by then: node [flags of V8]
// scripts/bundle/rehearse.mjs
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';

// Below the ports that the system gives to the program for port 0, which it uses for two listeners.
const port = 20_000 + (process.pid % 10_000);
Object.assign(process.env, {
  HOST: '127.0.0.1',
  PORT: String(port),
  GRPC_PORT: '0',
  ADMIN_PORT: '0',
  LOG_LEVEL: 'info',
  DRAIN_DELAY_MS: '0',
  OTEL_EXPORTER_OTLP_ENDPOINT: '',
  TLS_CERT_FILE: '',
});
const { cacheFile, script } = await import('../../dist/main.js');

const statusOf = (path) =>
  new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', () => resolve(0));
  });
const until = performance.now() + 10_000;
while ((await statusOf('/readyz')) !== 200) {
  if (performance.now() > until) throw new Error('The program was not ready within ten seconds.');
  await new Promise((resolve) => setTimeout(resolve, 10));
}
if ((await statusOf('/greet?name=Alice')) !== 200) throw new Error('The program did not greet.');
writeFileSync(cacheFile, script.createCachedData());
process.kill(process.pid, 'SIGTERM');
