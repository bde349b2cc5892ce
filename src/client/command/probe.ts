import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Attempt } from './transport.ts';

/** The protocol of an endpoint, judged by its first bytes. */
export interface Finding {
  /** The system's error code if no connection was made, such as ECONNREFUSED. */
  readonly failure?: string | undefined;
  readonly isOverTls?: boolean;
  readonly speaksHttp1?: boolean;
  readonly speaksHttp2?: boolean;
  /** Why the server's certificate is not trusted, as a code of OpenSSL or Node. */
  readonly certificateError?: string | undefined;
  /** True if the server requires a client certificate. */
  readonly wantsCertificate?: boolean;
}

/** Finds out which protocol an endpoint speaks, without sending a request. It stops when the signal is aborted. */
export async function probe(attempt: Attempt, stop: AbortSignal): Promise<Finding> {
  const { endpoint } = attempt;
  if (!endpoint) return {};
  const clear = await exchange(connect(endpoint), 'connect', stop);
  if (!clear.isConnected) return { failure: clear.error?.code };
  if (clear.protocol)
    return {
      isOverTls: false,
      speaksHttp1: clear.protocol === 'HTTP/1.1',
      speaksHttp2: clear.protocol === 'HTTP/2',
    };
  return probeTls(attempt, endpoint, stop);
}

async function probeTls(
  { ca, cert, key }: Attempt,
  { host, port }: { readonly host: string; readonly port: number },
  stop: AbortSignal,
): Promise<Finding> {
  const handshake = async (alpn: string) => {
    const servername = isIP(host) ? '' : host;
    const options = {
      host,
      port,
      servername,
      ca,
      cert,
      key,
      rejectUnauthorized: false,
      ALPNProtocols: [alpn],
    };
    const socket = connectTls(options);
    let accepted: string | false | null = null;
    let certificateError: string | undefined;
    socket.once('secureConnect', () => {
      accepted = socket.alpnProtocol;
      if (!socket.authorized) certificateError = String(socket.authorizationError);
    });
    // Data after the handshake only shows whether the server misses a client certificate.
    const isEnough = () => certificateError !== undefined || accepted !== 'h2';
    const { isConnected, error } = await exchange(socket, 'secureConnect', stop, isEnough);
    return { accepted, certificateError, isConnected, error };
  };
  const [http2, http1] = [await handshake('h2'), await handshake('http/1.1')];
  if (!http1.isConnected && !http2.isConnected) return {};
  return {
    isOverTls: true,
    speaksHttp1: http1.isConnected && http1.accepted !== 'h2',
    speaksHttp2: http2.accepted === 'h2',
    certificateError: http2.certificateError ?? http1.certificateError,
    wantsCertificate: /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/.test(http2.error?.code ?? ''),
  };
}

/** The HTTP/2 preface with empty SETTINGS (RFC 9113, section 3.4). HTTP/2 servers answer it; HTTP/1.1 servers refuse it. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
const settingsType = 4;

interface Exchange {
  readonly isConnected: boolean;
  readonly protocol?: 'HTTP/1.1' | 'HTTP/2' | undefined;
  readonly error?: NodeJS.ErrnoException;
}

/** Connects, sends the preface unless `isEnough()`, and reads the protocol from the first bytes that arrive. */
function exchange(
  socket: Socket,
  connected: string,
  stop: AbortSignal,
  isEnough = () => false,
): Promise<Exchange> {
  return new Promise((resolve) => {
    let isConnected = false;
    const end = (outcome: Omit<Exchange, 'isConnected'> = {}) => {
      stop.removeEventListener('abort', abort);
      socket.destroy();
      resolve({ isConnected, ...outcome });
    };
    const abort = () => end();
    stop.addEventListener('abort', abort);
    if (stop.aborted) end();
    socket
      .on('error', (error) => end({ error }))
      .once(connected, () => {
        isConnected = true;
        if (isEnough()) end();
        else socket.write(preface);
      })
      .once('data', (bytes) => end({ protocol: protocolOf(bytes) }))
      .once('close', () => end());
  });
}

function protocolOf(bytes: Buffer): Exchange['protocol'] {
  if (bytes.toString('latin1', 0, 7) === 'HTTP/1.') return 'HTTP/1.1';
  return bytes.length >= 9 && bytes[3] === settingsType ? 'HTTP/2' : undefined;
}
