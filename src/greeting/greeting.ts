import * as z from 'zod';
import { nameSchema } from './name.ts';

export const greetingRequestSchema = z.object({ name: nameSchema });

export const greetingSchema = z
  .object({ message: z.string().meta({ description: 'The greeting.', examples: ['Hello, Alice'] }) })
  .meta({ id: 'Greeting', description: 'A greeting.' });

export type GreetingRequest = z.infer<typeof greetingRequestSchema>;
export type Greeting = z.infer<typeof greetingSchema>;

/** Greets a name that {@link greetingRequestSchema} has accepted: `Hello, <name>`, without a newline at the end. */
export function greet({ name }: GreetingRequest): Greeting {
  return { message: `Hello, ${name}` };
}
