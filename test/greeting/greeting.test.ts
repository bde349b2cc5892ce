import { describe, expect, it } from 'vitest';
import { greet, greetingRequestSchema, greetingSchema } from '../../src/greeting/greeting.ts';
import { cases } from '../cases.ts';

describe('greet', () => {
  const greeted = cases.filter((known) => known.greeting !== undefined);

  it.each(greeted)('greets $title', ({ name, greeting }) => {
    const message = greet(greetingRequestSchema.parse({ name }));
    expect(message).toEqual({ message: greeting });
    expect(greetingSchema.parse(message)).toEqual(message);
  });
});
