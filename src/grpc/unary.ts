import { type handleUnaryCall, Metadata, status } from '@grpc/grpc-js';
import type * as z from 'zod';
import { violationsOf } from '../greeting/invalid-request.ts';
import { Malformed } from '../net/grpc/malformed-message.ts';
import { ServiceError } from '../resilience/service-error.ts';
import { takeRequestId } from '../telemetry/request-id.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createCallObserver } from './observe.ts';
import { type CallStatus, invalidArgument, malformedStatus, statusOfError } from './status.ts';

/** An operation over gRPC: a unary method, and how its messages become the operation's request and answer. */
export interface UnaryMethod<
  Request = unknown,
  Answer = unknown,
  RequestMessage = unknown,
  ResponseMessage = unknown,
> {
  /** The service's full name in the proto. */
  readonly service: string;
  readonly name: string;
  readonly schema: z.ZodType<Request>;
  /** The name that each field of the request has in the message. */
  readonly fieldNames: Readonly<Record<string, string>>;
  fromMessage(message: RequestMessage): unknown;
  toMessage(answer: Answer): ResponseMessage;
}

/** How one operation is served: its method, and the function that answers it. */
export interface CallableOperation {
  readonly method: UnaryMethod;
  call(request: unknown): unknown;
}

/** Called before each call. @throws {ServiceError} if the call must not go on. */
export type Admit = (call: { getPeer(): string; readonly metadata: Metadata }) => void;

/** A client measures a deadline from when it sent the call, so it resets the call before the deadline passes here; in milliseconds. */
const deadlineSlackMs = 100;

const ok = { code: status.OK, details: '' };

/**
 * Handles the calls of an operation, as the hooks do over HTTP: takes or makes the request id and sends it back as `x-request-id`, admits,
 * validates, calls, maps errors, and observes. An unexpected error becomes INTERNAL in general words, and is logged once with its cause.
 */
export function handleUnary(
  operation: CallableOperation,
  telemetry: Telemetry,
  admit?: Admit,
): handleUnaryCall<unknown, unknown> {
  const observeCall = createCallObserver(operation.method, telemetry);
  return function handleCall(call, callback) {
    const requestId = takeRequestId(call.metadata.get('x-request-id')[0]);
    const observed = observeCall(requestId, call);
    let isSettled = false;

    const settle = (outcome: CallStatus, response?: unknown) => {
      if (isSettled) return;
      isSettled = true;
      observed.end(outcome.code);
      const metadata = outcome.metadata ?? new Metadata();
      metadata.set('x-request-id', requestId);
      // An error is sent as trailers alone: a client's retry policy does not retry once headers have arrived.
      if (response === undefined) return callback({ ...outcome, metadata });
      call.sendMetadata(metadata);
      callback(null, response);
    };
    const fail = (error: unknown) => {
      if (!isSettled && !(error instanceof ServiceError)) observed.fail(error);
      settle(statusOfError(error));
    };

    try {
      admit?.(call);
      const outcome = answer(operation, call.request);
      if (!(outcome instanceof Promise)) return settle(...outcome);
      // Emitted at the end of every call. If the call is not settled by then, its client left or its deadline passed.
      call.once('cancelled', () => {
        if (isSettled) return;
        isSettled = true;
        const isOverdue = Number(call.getDeadline()) - deadlineSlackMs <= Date.now();
        observed.end(isOverdue ? status.DEADLINE_EXCEEDED : status.CANCELLED);
      });
      outcome.then((settled) => settle(...settled), fail);
    } catch (error) {
      fail(error);
    }
  };
}

type Outcome = [outcome: CallStatus, response?: unknown];

function answer({ method, call }: CallableOperation, message: unknown): Outcome | Promise<Outcome> {
  if (message instanceof Malformed) return [malformedStatus(message)];
  const request = method.schema.safeParse(method.fromMessage(message));
  if (!request.success) return [invalidArgument(violationsOf(request.error), method.fieldNames)];
  const answered = call(request.data);
  return answered instanceof Promise
    ? answered.then((value) => [ok, method.toMessage(value)])
    : [ok, method.toMessage(answered)];
}
