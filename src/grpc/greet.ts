import { type Greeting, type GreetingRequest, greetingRequestSchema } from '../greeting/greeting.ts';
import { type GreetingRequestMessage, type GreetingResponseMessage, greetServiceName } from './contract.ts';
import type { UnaryMethod } from './unary.ts';

/** `greet.GreetService/Greet`: the greeting. The request's `message` is the name. */
export const greetMethod: UnaryMethod<
  GreetingRequest,
  Greeting,
  GreetingRequestMessage,
  GreetingResponseMessage
> = {
  service: greetServiceName,
  name: 'Greet',
  schema: greetingRequestSchema,
  fieldNames: { name: 'message' },
  fromMessage: ({ message }) => ({ name: message }),
  toMessage: ({ message }) => ({ message }),
};
