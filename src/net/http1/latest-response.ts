import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const latest = Symbol('latest response');
type HttpSocket = Duplex & { [latest]?: ServerResponse | undefined };

/**
 * The response to the latest request on the socket, until both are complete. It is forgotten then, so that an idle connection does not
 * keep a request and all that was made for it.
 */
export function latestResponse(socket: HttpSocket): ServerResponse | undefined {
  return socket[latest];
}

export function setLatestResponse(socket: HttpSocket, response: ServerResponse): void {
  socket[latest] = response;
  response.on('finish', forget);
}

function forget(this: ServerResponse): void {
  const socket: HttpSocket = this.req.socket;
  if (socket[latest] === this && this.req.complete) socket[latest] = undefined;
}

/** True if an error response can be written now without corrupting one that is in progress. */
export function canWriteRefusal(socket: Duplex): boolean {
  const response = latestResponse(socket);
  if (response === undefined) return true;
  // An incomplete request is the one that the parser failed in.
  return response.req.complete ? response.writableFinished : !response.headersSent;
}

/** True after a complete request that closes the connection: nothing that follows it is processed (RFC 9112, section 9.6). */
export function isClosing(socket: HttpSocket): boolean {
  const response = socket[latest];
  return response === undefined ? socket.writableEnded : response.req.complete && !response.shouldKeepAlive;
}
