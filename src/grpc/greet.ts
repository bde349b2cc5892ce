import {
  type GreetingRequestMessage,
  type GreetingResponseMessage,
  greetServiceName,
} from '../contract/greet-service.ts';
import { type Greeting, type GreetOperation, greetingRequestSchema } from '../greeting/greeting.ts';
import type { UnaryMethod } from './unary.ts';

/** `greet.GreetService/Greet`: the greeting. The request's `message` is the name. */
export function createGreetMethod(
  greet: GreetOperation,
): UnaryMethod<GreetingRequestMessage, typeof greetingRequestSchema, Greeting, GreetingResponseMessage> {
  return {
    service: greetServiceName,
    name: 'Greet',
    schema: greetingRequestSchema,
    fieldNames: { name: 'message' },
    fromMessage: ({ message }) => ({ name: message }),
    call: greet,
    toReply: ({ message }) => ({ message }),
  };
}
