import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { describeViolations } from '../contract/violations.ts';
import { ServiceError, type ServiceErrorCode } from '../resilience/service-error.ts';
import { callerLeft, Problem, problemMediaType, renderProblem } from './problem.ts';

/**
 * Answers what any hook, route or the framework threw, as a problem. What nobody expected is logged, once, with its cause; a
 * refusal of our own or a ServiceError is not, or an overload would be made worse by its log: the access line has its status.
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
      // RFC 9110, section 15.1: caches may keep a 404, a 405, a 414 and a 501 unless they are told not to.
      .header('cache-control', 'no-store')
      .type(problemMediaType)
      // With a serializer of its own Fastify adds no charset, a parameter that this media type does not have.
      .serializer(String)
      .send(renderProblem(problem, request.id))
  );
}

/** What each failure of the service is over HTTP. */
const statusOf = {
  unavailable: 503,
  overloaded: 503,
  limited: 429,
} as const satisfies Record<ServiceErrorCode, number>;

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
  if (isAfterLeaving(error, request)) return callerLeft;
  const status = (error as Partial<FastifyError> | null)?.statusCode ?? 500;
  // Fastify's own refusals speak of the request only; anything else might tell of our insides.
  if (status >= 400 && status < 500 && error instanceof Error && isFrameworkError(error)) {
    return new Problem(status, error.message);
  }
  return new Problem(500, 'The service failed to answer. The cause is in its log, under this request id.');
}

/** What Node says of a body that broke off, and of an answer to a caller who left when it had begun. */
function isAfterLeaving(error: unknown, { socket }: FastifyRequest): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ECONNRESET' || (code === 'ERR_HTTP_HEADERS_SENT' && socket.destroyed);
}

function isFrameworkError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('FST_');
}
