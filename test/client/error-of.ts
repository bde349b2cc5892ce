import { expect } from 'vitest';
import { GreetError } from '../../src/client/exports.ts';

/** The error that a call rejects with: it rejects, and with nothing else. */
export async function errorOf(promise: Promise<unknown>): Promise<GreetError> {
  const error = await promise.then(
    (value) => new Error(`it did not reject: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GreetError);
  return error as GreetError;
}

/** Tries with longer and longer timeouts until one was long enough for this machine. */
export async function withTimeout(attempt: (timeoutMs: number) => Promise<boolean>): Promise<void> {
  for (let timeoutMs = 100; !(await attempt(timeoutMs)); timeoutMs *= 2);
}
