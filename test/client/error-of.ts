import { expect } from 'vitest';
import { GreetError } from '../../src/client/exports.ts';

/** Returns the error that a call rejects with. Fails if it does not reject with a GreetError. */
export async function errorOf(promise: Promise<unknown>): Promise<GreetError> {
  const error = await promise.then(
    (value) => new Error(`it did not reject: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GreetError);
  return error as GreetError;
}

/** Repeats the attempt with longer and longer timeouts until it returns true, so that a slow machine does not fail the test. */
export async function withTimeout(attempt: (timeoutMs: number) => Promise<boolean>): Promise<void> {
  for (let timeoutMs = 100; !(await attempt(timeoutMs)); timeoutMs *= 2);
}
