import { ServerCredentials } from '@grpc/grpc-js';
import type { Limits } from '../limits.ts';
import type { Certificates } from '../tls/certificates.ts';
import { type Credentials, secureContextOptions } from '../tls/files.ts';

/**
 * grpc-js credentials for certificates that change. Open connections stay open. A TLS session from before a change cannot be resumed
 * after it, so the current authorities check every client certificate.
 *
 * We do not use the file watcher of grpc-js: it serves no client while a file cannot be read, and it accepts a key that does not match.
 */
export class TlsCredentials extends ServerCredentials {
  constructor(certificates: Certificates, { handshakeTimeoutMs }: Limits) {
    const needsClientCertificate = certificates.current.clientCa !== undefined;
    super(
      {
        handshakeTimeout: handshakeTimeoutMs,
        requestCert: needsClientCertificate,
        rejectUnauthorized: needsClientCertificate,
      },
      contextOptions(certificates.current),
    );
    certificates.subscribe((credentials) => this.updateSecureContextOptions(contextOptions(credentials)));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOptions(credentials: Credentials) {
  const { clientCa } = credentials;
  return { ...secureContextOptions(credentials), ...(clientCa && { ca: clientCa }) };
}
