import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import type { TlsOptions } from './grpc-options.ts';

/**
 * The channel options for TLS.
 *
 * @param host the host that the server's certificate must be for.
 * @throws {TypeError} for what is no PEM, or does not belong together.
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
    // OpenSSL takes a text without certificates, and then trusts nobody.
    if (ca !== undefined && !toBuffer(ca)?.includes('CERTIFICATE-----')) throw new Error('ca has none');
    return {
      credentials: credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert), verification),
      // grpc-js names the host in the handshake, also where it is an address, which RFC 6066 forbids and Node 26 refuses.
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
