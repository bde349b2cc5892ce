import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { describeViolations } from '../greeting/invalid-request.ts';
import { ServiceError, type ServiceErrorCode } from '../resilience/service-error.ts';
import { clientLeftStatus, Problem, problemMediaType, renderProblem } from './problem.ts';

/**
 * Answers whatever a hook, a route or Fastify threw, as a problem. Unexpected errors are logged once, with their cause. A Problem or a
 * ServiceError is not: its status is in the access log, and more lines would make an overload worse.
 */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error, request);
  if (problem.status >= 500 && problem !== error && !(error instanceof ServiceError))
    request.log.error({ err: error, requestId: request.id }, 'request failed');
  return sendProblem(problem, request, reply);
}

function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return (
    reply
      .code(problem.status)
      .headers(problem.headers)
      // RFC 9110, section 15.1: by default, caches may keep a 404, 405, 414 or 501.
      .header('cache-control', 'no-store')
      .type(problemMediaType)
      // With its own serializer Fastify adds no charset: this media type has no such parameter.
      .serializer(String)
      .send(renderProblem(problem, request.id))
  );
}

/** The status of each failure of the service over HTTP. */
const statusOf = {
  unavailable: 503,
  overloaded: 503,
  limited: 429,
} as const satisfies Record<ServiceErrorCode, number>;

/** The client left before its response was sent: nobody's fault, so it is neither logged as an error nor counted as one. */
const clientLeft = new Problem(clientLeftStatus, 'The client disconnected.');

function toProblem(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ServiceError)
    return new Problem(statusOf[error.code], error.message, {
      headers: { 'retry-after': String(error.retryAfterSeconds) },
    });
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map(({ instancePath, message }) => ({
      field: instancePath.slice(1),
      detail: message ?? 'is not valid',
    }));
    return new Problem(400, describeViolations(errors), { errors });
  }
  if (isClientGone(error, request)) return clientLeft;
  const status = (error as Partial<FastifyError> | null)?.statusCode ?? 500;
  // Fastify's own 4xx errors are about the request only. Other messages could show internals.
  if (status >= 400 && status < 500 && error instanceof Error && isFrameworkError(error)) {
    return new Problem(status, error.message);
  }
  return new Problem(500, 'The service failed to answer. The cause is in its log, under this request id.');
}

/** Node's error for a body that broke off, or for a response to a client that left after the response had begun. */
function isClientGone(error: unknown, { socket }: FastifyRequest): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ECONNRESET' || (code === 'ERR_HTTP_HEADERS_SENT' && socket.destroyed);
}

function isFrameworkError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('FST_');
}
