import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { sendGoaway } from './http2/goaway.ts';

/**
 * Asks the client to send its next request on a new connection. Over HTTP/1.1 this adds `Connection: close` to the headers of the
 * response, a list of names and values; HTTP/2 has no such header, and sends a GOAWAY.
 */
export function askToReconnect(request: IncomingMessage | Http2ServerRequest, headers: string[]): void {
  if (!('stream' in request)) headers.push('connection', 'close');
  else if (request.stream.session) sendGoaway(request.stream.session);
}
