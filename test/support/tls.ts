import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type Authority, createAuthority, type Pair } from './certificates.ts';

/** A certificate and its key, and an authority for clients, as files in a temporary folder. */
export interface TlsFolder {
  readonly authority: Authority;
  readonly env: { readonly TLS_CERT_FILE: string; readonly TLS_KEY_FILE: string };
  readonly clientCaFile: string;
  /** Replaces the certificate and the key by new ones of the same authority. It renames files, as certbot does. */
  renew(name: string): Promise<Pair>;
  dispose(): Promise<void>;
}

export async function createTlsFolder(): Promise<TlsFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'greet-tls-'));
  const authority = createAuthority('Test authority');
  const env = { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') };
  const clientCaFile = join(folder, 'client-ca.pem');
  const replace = async (path: string, text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  const renew = async (name: string) => {
    const pair = authority.issue(name);
    await replace(env.TLS_CERT_FILE, pair.cert);
    await replace(env.TLS_KEY_FILE, pair.key);
    return pair;
  };
  await renew('first');
  await writeFile(clientCaFile, authority.cert);
  return { authority, env, clientCaFile, renew, dispose: () => rm(folder, { recursive: true }) };
}

/** Connects over TLS, and resolves after the handshake. */
export function connectTls(target: string, options: ConnectionOptions): Promise<TLSSocket> {
  const { hostname, port } = new URL(target.includes('://') ? target : `https://${target}`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), servername: 'localhost', ...options }, () =>
      resolve(socket),
    );
    socket.on('error', reject);
  });
}

/** The common name of the certificate that the server uses for a new connection. */
export async function servedName(target: string, ca: string, alpn = 'h2'): Promise<string> {
  const socket = await connectTls(target, { ca, ALPNProtocols: [alpn] });
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}
