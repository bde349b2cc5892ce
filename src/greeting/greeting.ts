import * as z from 'zod';
import { nameSchema } from './name.ts';

export const greetingRequestSchema = z.object({ name: nameSchema });

export const greetingSchema = z
  .object({ message: z.string().meta({ description: 'The greeting.', examples: ['Hello, Alice'] }) })
  .meta({ id: 'Greeting', description: 'A greeting.' });

export type GreetingRequest = z.infer<typeof greetingRequestSchema>;
export type Greeting = z.infer<typeof greetingSchema>;

/** What both transports call: {@link greet}, or {@link greet} behind something that takes its time or fails. */
export type GreetOperation = (request: GreetingRequest) => Greeting | Promise<Greeting>;

/** Greets a name that {@link greetingRequestSchema} has accepted: `Hello, <name>`, with no trailing newline. */
export function greet({ name }: GreetingRequest): Greeting {
  return { message: `Hello, ${name}` };
}
