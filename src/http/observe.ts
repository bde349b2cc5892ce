import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { peerAddress } from '../net/peer-address.ts';
import { pathOf } from '../net/target.ts';
import { methodLabel } from '../telemetry/recorder.ts';
import type { Sender, ServerSpan, SpanDescription } from '../telemetry/spans.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { clientLeftStatus } from './problem.ts';
import { isProbe } from './routes/health.ts';

/** Data of the requests in progress that have a span, or that arrived over HTTP/2. */
export interface Begun {
  readonly spans: WeakMap<FastifyRequest, ServerSpan>;
  /** The address of each client over HTTP/2. Its socket does not know the address any more once the client has left. */
  readonly http2Peers: WeakMap<FastifyRequest, string | undefined>;
}

type OnResponse = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** Creates the hook of one route that reports each request that has ended: it was answered, or its client left. */
export function observeRoute(route: string, { metrics, recorder }: Telemetry, begun: Begun): OnResponse {
  const isOfProbe = isProbe(route);
  const routeWithQuery = `${route}?`;
  return function end(request, reply, done) {
    const { originalUrl, raw, headers } = request;
    const isAborted = !isSent(reply.raw);
    metrics.active.http -= 1;
    recorder.requestEnded({
      requestId: request.id,
      span: begun.spans.get(request),
      method: request.method,
      route,
      // Without the query: the names of people do not belong in a log.
      path: originalUrl === route || originalUrl.startsWith(routeWithQuery) ? route : pathOf(request),
      // The client left before the whole response was sent, so the status of that response does not count.
      status: isAborted ? clientLeftStatus : reply.statusCode,
      durationMs: reply.elapsedTime,
      isAborted,
      isProbe: isOfProbe,
      peer: raw.httpVersionMajor === 2 ? begun.http2Peers.get(request) : peerAddress(raw.socket),
      peerPort: undefined,
      forwardedFor: headers['x-forwarded-for'] as string | undefined,
      userAgent: headers['user-agent'],
    });
    done();
  };
}

/** Starts the span of a request. Probes get none: most of the traces would be theirs. */
export function startSpan(request: FastifyRequest, { tracing }: Telemetry, { spans }: Begun): void {
  if (isProbe(request.routeOptions.url)) return;
  const { headers } = request;
  const span = tracing.start(
    (name) => headers[name] as string | undefined,
    () => describeRequest(request),
  );
  if (span) spans.set(request, span);
}

/** True if the whole response was handed to the system. Over HTTP/2, `writableFinished` is also true for a response that a reset has discarded. */
function isSent(response: ServerResponse | Http2ServerResponse): boolean {
  if (!response.writableFinished || !('stream' in response)) return response.writableFinished;
  return response.headersSent && response.stream.rstCode === constants.NGHTTP2_NO_ERROR;
}

/** The span of a request, by the OpenTelemetry semantic conventions for HTTP. */
function describeRequest(request: FastifyRequest): SpanDescription {
  const { method } = request;
  const route = request.is404 ? undefined : request.routeOptions.url;
  const label = methodLabel(method);
  return {
    name: [label === method ? method : 'HTTP', route].filter(Boolean).join(' '),
    requestId: request.id,
    sender: senderOf(request),
    attributes: {
      'http.request.method': label,
      'http.request.method_original': label === method ? undefined : method,
      'http.route': route,
      'url.path': pathOf(request),
      'url.scheme': request.protocol,
      'server.address': request.hostname,
      'server.port': request.port ?? undefined,
      'network.protocol.version': request.raw.httpVersion.replace(/^2\.0$/, '2'),
    },
  };
}

function senderOf({ raw, headers }: FastifyRequest): Sender {
  const { remoteAddress, remotePort } = raw.socket;
  return {
    peer: remoteAddress,
    peerPort: remotePort,
    forwardedFor: headers['x-forwarded-for'] as string | undefined,
    userAgent: headers['user-agent'],
  };
}
