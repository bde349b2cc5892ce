import { ServerCredentials } from '@grpc/grpc-js';
import type { Certificates } from '../tls/certificates.ts';
import { type Credentials, toContextOptions } from '../tls/files.ts';

/** From the first byte of the handshake to the last, in milliseconds. */
const handshakeTimeout = 5_000;

/**
 * The library's server credentials for certificates that change: connections made before a change go on, and sessions of TLS
 * begun before it cannot be resumed after it, so that every client certificate is checked by the authorities of its time.
 *
 * Ours rather than the library's provider that watches files: that one serves nobody while a file cannot be read, and takes a
 * certificate and a key that do not belong together.
 */
export class TlsCredentials extends ServerCredentials {
  constructor(certificates: Certificates) {
    const mustHaveCertificate = certificates.current.clientCa !== undefined;
    super(
      { handshakeTimeout, requestCert: mustHaveCertificate, rejectUnauthorized: mustHaveCertificate },
      toGrpcContext(certificates.current),
    );
    certificates.subscribe((credentials) => this.updateSecureContextOptions(toGrpcContext(credentials)));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function toGrpcContext(credentials: Credentials) {
  const { clientCa } = credentials;
  return { ...toContextOptions(credentials), ...(clientCa && { ca: clientCa }) };
}
