import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { clientGone } from '../client-gone.ts';
import type { Limits } from '../limits.ts';

/** Responses that wait behind another one on the same connection (pipelining: RFC 9112, section 9.3.2). */
export interface Pipelines {
  /**
   * Called for a response whose predecessor on the connection is not sent yet. Node keeps reading, 64 kB at a time, and keeps these
   * requests and their responses until they are sent: some MB for a client that does not read. A client over the limit is disconnected.
   *
   * @returns whether the request is to be served.
   */
  admit(socket: Duplex, response: ServerResponse, previous: ServerResponse): boolean;
}

/** @param onCut called when a client is disconnected. Node holds the data that it has read until the end of the event loop's turn. */
export function createPipelines({ maxPipelined, maxPipelinedTotal }: Limits, onCut: () => void): Pipelines {
  const waiting = new WeakMap<Duplex, Set<ServerResponse>>();
  let total = 0;

  const track = (socket: Duplex): Set<ServerResponse> => {
    const responses = new Set<ServerResponse>();
    waiting.set(socket, responses);
    socket.once('close', () => {
      total -= responses.size;
      // Node emits nothing on a response whose turn never came. Its observer would count it as in progress for ever.
      for (const response of responses.values()) reportUnsent(response);
    });
    return responses;
  };
  const add = (responses: Set<ServerResponse>, response: ServerResponse) => {
    if (responses.has(response)) return;
    responses.add(response);
    total += 1;
    response.once('finish', () => {
      if (responses.delete(response)) total -= 1;
    });
  };
  return {
    admit(socket, response, previous) {
      if (socket.destroyed) return false;
      const responses = waiting.get(socket) ?? track(socket);
      add(responses, previous);
      if (responses.size > maxPipelined || total > maxPipelinedTotal) {
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
 * Reports a response that was complete but not sent when its client left. Node emits neither `finish` nor `error` for it, and once the
 * socket is gone `writableFinished` is true for any response. An observer that still listens has seen no end.
 */
export function reportUnsentLater(response: ServerResponse | undefined): void {
  setImmediate(() => {
    if (response !== undefined) reportUnsent(response);
  });
}

function reportUnsent(response: ServerResponse): void {
  if (response.listenerCount('error') > 0) response.emit('error', clientGone);
}
