import { type ChannelCredentials, credentials } from '@grpc/grpc-js';

export interface TlsOptions {
  /** The certificates of the authorities to trust, in PEM. Default: those that Node trusts. */
  readonly ca?: string | Uint8Array | undefined;
  /** The client's certificate and key, in PEM, for a service that asks for one (mutual TLS). */
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  /** `false` accepts any certificate: only for a service on the same machine. Default: true. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Credentials for TLS, or for clear text where there are no options. @throws {TypeError} */
export function createCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  if (typeof tls !== 'object' || tls === null)
    throw new TypeError('tls: expected an object; {} for TLS as it comes');
  const { ca, cert, key, rejectUnauthorized = true } = tls;
  if ((cert === undefined) !== (key === undefined))
    throw new TypeError('tls: expected both cert and key, or neither');
  try {
    // OpenSSL takes a text without certificates, and then trusts nobody.
    if (ca !== undefined && !toBuffer(ca)?.includes('CERTIFICATE-----')) throw new Error('ca has none');
    return credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert), { rejectUnauthorized });
  } catch (cause) {
    const { message } = cause as Error;
    throw new TypeError(`tls: expected certificates in PEM, and the key of the certificate; ${message}`, {
      cause,
    });
  }
}

function toBuffer(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
