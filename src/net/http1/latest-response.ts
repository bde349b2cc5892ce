import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const latest = Symbol('latest response');
type AnsweredSocket = Duplex & { [latest]?: ServerResponse | undefined };

/**
 * The response to the latest request of a connection, until both are complete: it, and all that was made for it, need not stay
 * until the next request comes.
 */
export function latestOf(socket: AnsweredSocket): ServerResponse | undefined {
  return socket[latest];
}

export function setLatest(socket: AnsweredSocket, response: ServerResponse): void {
  socket[latest] = response;
  response.on('finish', forget);
}

function forget(this: ServerResponse): void {
  const socket: AnsweredSocket = this.req.socket;
  if (socket[latest] === this && this.req.complete) socket[latest] = undefined;
}

/** Whether what the parser stumbled over still waits for its answer, and no other answer would be torn apart by it. */
export function isUnanswered(socket: Duplex): boolean {
  const response = latestOf(socket);
  if (response === undefined) return true;
  const inBodyOfThis = !response.req.complete;
  return inBodyOfThis ? !response.headersSent : response.writableFinished;
}
