import type { ClientOptions } from './options.ts';

export interface GrpcClientOptions extends ClientOptions {
  /**
   * A gRPC target: `localhost:50051`, `dns:///greet:50051` for all addresses that the name has, or
   * `ipv4:10.0.0.1:50051,10.0.0.2:50051`. Calls go to all of its addresses in turn, except those that are down.
   */
  readonly address: string;
  /** Calls over TLS; without it, in clear text. */
  readonly tls?: TlsOptions | undefined;
  /**
   * How long a connection with calls in progress may be silent, in milliseconds. Then it is pinged, and closed if the ping is not answered:
   * a broken network path is not noticed otherwise. Default: 30000.
   */
  readonly keepaliveMs?: number | undefined;
  /** True if calls use the proxy of `http_proxy`. Default: true, except for targets on this machine. */
  readonly useProxy?: boolean | undefined;
}

export interface TlsOptions {
  /** The certificates of the authorities to trust, in PEM. Default: those that Node trusts. */
  readonly ca?: string | Uint8Array | undefined;
  /** The client's certificate and key, in PEM, for a service that asks for one (mutual TLS). */
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  /** `false` accepts any certificate: only for a service on the same machine. Default: true. */
  readonly rejectUnauthorized?: boolean | undefined;
}
