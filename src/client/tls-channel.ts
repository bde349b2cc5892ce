import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import type { TlsOptions } from './grpc-options.ts';

/**
 * The credentials and options of a channel over TLS.
 *
 * @param host the host that the server's certificate must be for.
 * @throws {TypeError} if a value is not PEM, or the key is not the certificate's.
 */
export function createTlsChannel(tls: TlsOptions, host: string | undefined): SecureChannel {
  if (typeof tls !== 'object' || tls === null)
    throw new TypeError('tls: expected an object; {} for the defaults');
  const { ca, cert, key, rejectUnauthorized = true } = tls;
  if ((cert === undefined) !== (key === undefined))
    throw new TypeError('tls: expected both cert and key, or neither');
  const isAddress = host !== undefined && isIP(host) !== 0;
  const verification = {
    rejectUnauthorized,
    ...(isAddress && {
      checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
        checkServerIdentity(host, certificate),
    }),
  };
  try {
    // OpenSSL accepts a text without certificates, and then trusts no server.
    if (ca !== undefined && !toBuffer(ca)?.includes('CERTIFICATE-----')) throw new Error('ca has none');
    return {
      credentials: credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert), verification),
      // grpc-js sends the host as the TLS server name, even if it is an address. RFC 6066 forbids that, and Node 26 refuses it.
      options: isAddress ? { 'grpc.ssl_target_name_override': `ip-${host.replace(/[.:]/g, '-')}` } : {},
    };
  } catch (cause) {
    const { message } = cause as Error;
    throw new TypeError(`tls: expected certificates in PEM, and the key of the certificate; ${message}`, {
      cause,
    });
  }
}

interface SecureChannel {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

function toBuffer(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
