import {
  type Greeting,
  type GreetingRequest,
  greetingRequestSchema,
  greetingSchema,
} from '../../greeting/greeting.ts';
import type { OperationRoute } from '../operation-route.ts';

/** `GET /greet?name=`: the greeting, as text or as JSON. */
export const greetRoute: OperationRoute<GreetingRequest, Greeting> = {
  path: '/greet',
  operationId: 'greet',
  tag: 'greeting',
  summary: 'Greet someone by name',
  description:
    'Answers `Hello, <name>`: as plain text unless the client prefers `application/json`. A `+` in the query is a space.',
  query: greetingRequestSchema,
  answer: greetingSchema,
  text: { field: 'message', description: 'Hello, <name>, with no newline at the end.' },
  example: { message: 'Hello, Alice' },
  badRequest: {
    description: 'The name is missing, repeated or not valid; every fault is listed.',
    errors: [{ field: 'name', detail: 'must have at most 100 characters, got 101' }],
  },
};
