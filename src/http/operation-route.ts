import type { FastifyReply, FastifyRequest } from 'fastify';
import type * as z from 'zod';
import type { App } from './instance.ts';
import { negotiateType, notAcceptable, type ResponseType, textType, varyByAccept } from './negotiate.ts';
import {
  commonHeaders,
  type DescribedResponse,
  operationProblems,
  rateLimitHeaders,
  textBody,
} from './responses.ts';

/** An operation over HTTP: `GET path?query`, answered as plain text or as JSON. */
export interface OperationRoute<Request = never, Answer = never> {
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly query: z.ZodType<Request>;
  readonly answer: z.ZodType<Answer> & { readonly description?: string | undefined };
  /** The field of the answer that is the plain text response. */
  readonly text: { readonly field: keyof Answer & string; readonly description: string };
  readonly example: Answer;
}

/** How one operation is served: its route, and the function that answers it. */
export interface RoutedOperation {
  readonly route: OperationRoute;
  readonly call: (request: never) => unknown;
}

/** @param vary the request header that every response depends on, besides Accept. */
export function registerOperation(
  app: App,
  { route, call }: RoutedOperation,
  vary: string | undefined,
): void {
  const { path, operationId, tag, summary, description, query, text } = route;
  const typeOf = createTypeCache();
  // The type provider has checked the query against the route's schema.
  const answer = call as (request: unknown) => Answer | Promise<Answer>;
  app.get(
    path,
    {
      schema: {
        operationId,
        tags: [tag],
        summary,
        description: `${description} ${negotiation}`,
        querystring: query as z.ZodType,
        response: describeResponses(route),
      },
    },
    function handleOperation(request, reply) {
      const type = typeOf(request.headers.accept);
      try {
        if (type === undefined) throw notAcceptable;
        const answered = answer(request.query);
        // Without faults there is nothing to wait for, and a promise would cost more than the greeting.
        if (answered instanceof Promise)
          answered
            .then((value) => sendAnswer(request, reply, type, value))
            .catch((error: Error) => reply.header('vary', 'Accept').send(error));
        else sendAnswer(request, reply, type, answered);
      } catch (error) {
        reply.header('vary', 'Accept');
        throw error;
      }
    },
  );

  const varyByType = varyByAccept(vary);
  /** Writes all headers at once. Fastify would collect them one by one, which costs a fifteenth of a greeting. */
  const sendAnswer = (request: FastifyRequest, reply: FastifyReply, type: ResponseType, answered: Answer) => {
    const body =
      type === textType
        ? (answered[text.field] as string)
        : (reply.serializeInput(answered, '200', 'application/json') as string);
    // A cached response would keep a name, and would have the id of another request.
    request.head.push('vary', varyByType, 'content-type', type, 'cache-control', 'no-store');
    request.head.push('content-length', String(Buffer.byteLength(body)));
    reply.hijack();
    reply.raw.writeHead(200, request.head).end(request.method === 'HEAD' ? undefined : body);
  };
}

type Answer = Readonly<Record<string, unknown>>;

/** How many different values of Accept are remembered. Clients of one kind all send the same value. */
const maxAcceptValues = 100;

/** {@link negotiateType}, calculated once for each of the first different values of Accept. */
function createTypeCache(): (accept: string | undefined) => ResponseType | undefined {
  const types = new Map<string | undefined, ResponseType | undefined>();
  return (accept) => {
    const known = types.get(accept);
    if (known !== undefined) return known;
    const type = negotiateType(accept);
    if (types.size < maxAcceptValues) types.set(accept, type);
    return type;
  };
}

/** How a client chooses the type. It is part of the description, because OpenAPI ignores a parameter with the name `Accept`. */
const negotiation =
  'The answer is plain text unless the client prefers JSON. In a generated client set the header `Accept: application/json` for every call: ' +
  'most send `*/*`, and would read the text as JSON.';

function describeResponses({ answer, text, example }: OperationRoute) {
  const { field, description } = text as { field: string; description: string };
  return {
    200: {
      description: answer.description ?? 'The answer.',
      headers: [...commonHeaders, 'Vary', ...rateLimitHeaders],
      // JSON first: generators that know one type for each response take the first one.
      content: {
        'application/json': { schema: answer as z.ZodType, example },
        'text/plain': { schema: textBody(description), example: (example as Answer)[field] },
      },
    },
    ...operationProblems,
  } satisfies Record<string, DescribedResponse>;
}
