import { type ChannelCredentials, credentials } from '@grpc/grpc-js';

export interface TlsOptions {
  /** Who may have signed the service's certificate, in PEM; whom Node trusts, unless given. */
  readonly ca?: Buffer | undefined;
  /** The caller's own certificate and key, in PEM, for a service that asks for them (mutual TLS). */
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** In clear text where there are none. */
export function createCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  return tls ? credentials.createSsl(tls.ca, tls.key, tls.cert) : credentials.createInsecure();
}
