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
  description: 'Answers `Hello, <name>`. A `+` in the query is a space.',
  query: greetingRequestSchema,
  answer: greetingSchema,
  text: { field: 'message', description: 'Hello, <name>, with no newline at the end.' },
  example: { message: 'Hello, Alice' },
};
