import {
  type Greeting,
  type GreetOperation,
  greetingRequestSchema,
  greetingSchema,
} from '../../greeting/greeting.ts';
import { exhaustionProblems, limitedResponses } from '../exhaustion.ts';
import type { App } from '../instance.ts';
import { jsonType, negotiateType, textType } from '../negotiate.ts';
import {
  header,
  noStoreHeader,
  problemResponse,
  requestIdHeader,
  requestProblems,
  textBody,
} from '../openapi.ts';
import { Problem } from '../problem.ts';

const vary = header(
  'The answer depends on Accept, and on Origin where only some origins are allowed.',
  'Accept',
);

/** `GET /greet?name=`: the greeting, as text or as JSON. */
export async function greetRoutes(app: App, { greet }: { readonly greet: GreetOperation }): Promise<void> {
  app.get(
    '/greet',
    {
      schema: {
        operationId: 'greet',
        tags: ['greeting'],
        summary: 'Greet someone by name',
        description:
          'Answers `Hello, <name>`: as plain text unless the client prefers `application/json`. A `+` in the query is a space.',
        querystring: greetingRequestSchema,
        response: limitedResponses({
          200: {
            description: 'The greeting.',
            headers: { ...requestIdHeader, ...noStoreHeader, Vary: vary },
            content: {
              'text/plain': {
                schema: textBody('Hello, <name>, with no newline at the end.'),
                example: 'Hello, Alice',
              },
              'application/json': { schema: greetingSchema, example: { message: 'Hello, Alice' } },
            },
          },
          406: problemResponse(
            406,
            'The client accepts neither text nor JSON.',
            { detail: notAcceptable.message },
            { Vary: vary },
          ),
          ...requestProblems,
          ...exhaustionProblems,
          400: problemResponse(400, 'The name is missing, repeated or not valid; every fault is listed.', {
            detail: 'name must have at most 100 characters, got 101',
            errors: [{ field: 'name', detail: 'must have at most 100 characters, got 101' }],
          }),
        }),
      },
    },
    function handleGreet(request, reply) {
      const type = negotiateType(request.headers.accept);
      const earlier = reply.getHeader('vary');
      reply.header('vary', earlier === undefined ? 'Accept' : `${earlier}, Accept`);
      if (type === undefined) throw notAcceptable;
      // A cache would keep names that are nobody else's business, and answer with the id of another request.
      reply.type(type).header('cache-control', 'no-store');
      const send = (greeting: Greeting) => reply.send(type === textType ? greeting.message : greeting);
      const greeting = greet(request.query);
      // Without faults there is nothing to wait for, and a promise would cost more than the greeting.
      if (greeting instanceof Promise) greeting.then(send, (error: Error) => reply.send(error));
      else send(greeting);
    },
  );
}

const notAcceptable = new Problem(
  406,
  `Greetings are served as ${textType} and ${jsonType}; accept one of them.`,
);
