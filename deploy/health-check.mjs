/**
 * The container's health check: exits 0 if the service beside it is ready, otherwise 1 with the reason on stderr. It runs every few
 * seconds within the container's limits, so it loads nothing but Node's own client, and not the one in dist/.
 */
const { HOST = 'localhost', PORT = '8080', TLS_CERT_FILE = '' } = process.env;
const { get } = await import(TLS_CERT_FILE === '' ? 'node:http' : 'node:https');

/** Every address: then the service is on this machine's own, too. */
const isAny = ['', '0.0.0.0', '::', '[::]'].includes(HOST);
const options = {
  host: isAny ? 'localhost' : HOST.replace(/^\[|\]$/g, ''),
  port: PORT,
  path: '/readyz',
  timeout: 2_000,
  agent: false,
  // The certificate is for the name that clients use, and this connection does not leave the container.
  rejectUnauthorized: false,
};

get(options, (response) => {
  response.resume();
  if (response.statusCode !== 200) fail(`/readyz answered ${response.statusCode}, expected 200`);
})
  .on('timeout', () => fail(`no answer from port ${PORT} within ${options.timeout} ms`))
  .on('error', ({ message }) => fail(message));

function fail(reason) {
  process.stderr.write(`not ready: ${reason}\n`);
  process.exit(1);
}
