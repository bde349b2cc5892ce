import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { callerLeft } from '../../http/problem.ts';

/** Answers that wait behind another one on the same connection: how many may, there and on all connections together. */
const maxWaiting = 100;
const maxWaitingAltogether = 2_000;

/** Answers that wait behind another on their connections, by pipelining (RFC 9112, section 9.3.2). */
export interface Pipelines {
  /**
   * Told of every response while the one before it on the connection is not sent yet. Node reads on, 64 kB at a time, and
   * keeps whatever those requests make until it is sent, some MB for callers who do not read: who asks too far ahead is cut off.
   *
   * @returns whether the request is to be served.
   */
  admit(socket: Duplex, response: ServerResponse, before: ServerResponse): boolean;
}

/** @param onCut told when a connection is cut; what Node read of it is held until the end of the event loop's turn. */
export function createPipelines(onCut: () => void): Pipelines {
  const waiting = new WeakMap<Duplex, Set<ServerResponse>>();
  let altogether = 0;

  const follow = (socket: Duplex): Set<ServerResponse> => {
    const responses = new Set<ServerResponse>();
    waiting.set(socket, responses);
    socket.once('close', () => {
      altogether -= responses.size;
      // Node tells none of those whose turn never came: for whoever watches them they would be under way for ever.
      for (const response of responses.values())
        if (response.listenerCount('error') > 0) response.emit('error', callerLeft);
    });
    return responses;
  };
  const add = (responses: Set<ServerResponse>, response: ServerResponse) => {
    if (responses.has(response)) return;
    responses.add(response);
    altogether += 1;
    response.once('finish', () => {
      if (responses.delete(response)) altogether -= 1;
    });
  };
  return {
    admit(socket, response, before) {
      if (socket.destroyed) return false;
      const responses = waiting.get(socket) ?? follow(socket);
      add(responses, before);
      if (responses.size > maxWaiting || altogether > maxWaitingAltogether) {
        socket.destroy();
        onCut();
        return false;
      }
      add(responses, response);
      return true;
    },
  };
}

/**
 * Node says of an answer that was given, and was not sent when its caller left, neither that it finished nor that it failed. Nor can
 * it be asked: once the socket is gone it takes any answer for finished. Who waits for one of the two still listens.
 */
export function endUnsent(response: ServerResponse | undefined): void {
  setImmediate(() => {
    if (response !== undefined && response.listenerCount('error') > 0) response.emit('error', callerLeft);
  });
}
