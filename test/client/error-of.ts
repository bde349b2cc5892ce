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
