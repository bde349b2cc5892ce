import type { TLSSocket } from 'node:tls';

/** Why a TLS handshake failed, as far as the server can tell. */
export const handshakeFailures = [
  /** The client sent something other than TLS, such as HTTP in clear text. */
  'not-tls',
  'timeout',
  /** The client closed the connection, as a TCP health check does. */
  'closed',
  /** The client has no certificate, or one that is not accepted. */
  'client-certificate',
  /** The client does not accept the certificate of this server. */
  'server-certificate',
  /** Anything else, such as versions or ciphers that do not match. */
  'protocol',
] as const;

export type HandshakeFailure = (typeof handshakeFailures)[number];

/** Called once for each handshake that failed, with the error's code. */
export type ReportHandshakeFailure = (failure: HandshakeFailure, errorCode: string) => void;

/** Makes the listener for the `tlsClientError` event of a TLS server. */
export function reportHandshakeFailures(
  report: ReportHandshakeFailure,
): (error: NodeJS.ErrnoException, socket: TLSSocket) => void {
  return (error, { authorizationError }) => {
    const { code = 'unknown' } = error;
    // Node destroys the socket of a client whose certificate it refuses.
    report(authorizationError ? 'client-certificate' : failureOf(code), code);
  };
}

function failureOf(code: string): HandshakeFailure {
  if (/_(?:HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER)$/.test(code)) return 'not-tls';
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'closed';
  if (/_ALERT_.*(?:CERTIFICATE|UNKNOWN_CA)/.test(code)) return 'server-certificate';
  return /CERTIFICATE/.test(code) ? 'client-certificate' : 'protocol';
}
