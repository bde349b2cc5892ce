import { ServerCredentials } from '@grpc/grpc-js';
import type { Limits } from '../limits.ts';
import type { Certificates } from '../tls/certificates.ts';
import { type Credentials, secureContextOptions } from '../tls/files.ts';

/**
 * grpc-js credentials for certificates that change. Existing connections go on. TLS sessions from before a change cannot be resumed after
 * it, so that every client certificate is checked by the current authorities.
 *
 * The library's own file watcher serves no client while a file cannot be read, and takes a certificate and a key that do not match.
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
