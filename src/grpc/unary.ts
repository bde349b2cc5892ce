import { type handleUnaryCall, Metadata, type MetadataValue, type StatusObject, status } from '@grpc/grpc-js';
import type * as z from 'zod';
import { violationsOf } from '../contract/violations.ts';
import { ServiceError } from '../resilience/service-error.ts';
import { takeRequestId } from '../telemetry/request-id.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Malformed } from './malformed.ts';
import { createCallObserver } from './observe.ts';
import { invalidArgument, statusOfError } from './status.ts';

/** A unary method: how its messages stand for a request and a response of the domain, and the function between them. */
export interface UnaryMethod<Message, Schema extends z.ZodType, Answer, Reply> {
  readonly service: string;
  readonly name: string;
  readonly schema: Schema;
  /** The message's own names of the request's fields. */
  readonly fieldNames: Readonly<Record<string, string>>;
  readonly fromMessage: (message: Message) => z.input<Schema>;
  readonly call: (request: z.output<Schema>) => Answer | Promise<Answer>;
  readonly toReply: (answer: Answer) => Reply;
}

/** Whether a call may go on. @throws {ServiceError} where it may not. */
export type Admit = (call: { getPeer(): string; readonly metadata: Metadata }) => void;

/** A caller counts from when it sent the call, and resets it that much before the deadline passes here; in milliseconds. */
const deadlineSlackMs = 100;

const ok = { code: status.OK, details: '' };

/**
 * What the hooks do for HTTP: takes or makes the request id and sends it back as `x-request-id`, admits, validates, calls, maps
 * errors, and observes the call. Whatever is thrown or rejected becomes INTERNAL in general terms, logged once with its cause.
 */
export function handleUnary<Message, Schema extends z.ZodType, Answer, Reply>(
  method: UnaryMethod<Message, Schema, Answer, Reply>,
  telemetry: Telemetry,
  admit?: Admit,
): handleUnaryCall<Message | Malformed, Reply> {
  const observeCall = createCallObserver(method, telemetry);
  return function handleCall(call, callback) {
    const requestId = takeRequestId(call.metadata.get('x-request-id')[0]);
    const carrier = {
      traceparent: text(call.metadata.get('traceparent')),
      tracestate: text(call.metadata.get('tracestate')),
    };
    const observed = observeCall({ requestId, carrier, peerOf: () => call.getPeer() });
    let isSettled = false;

    const settle = (outcome: Partial<StatusObject> & { code: status }, reply?: Reply) => {
      if (isSettled) return;
      isSettled = true;
      observed.end(outcome.code);
      const metadata = outcome.metadata ?? new Metadata();
      metadata.set('x-request-id', requestId);
      // A refusal goes out as trailers alone: once headers have come, no client's retry policy would try again.
      if (reply === undefined) return callback({ ...outcome, metadata });
      call.sendMetadata(metadata);
      callback(null, reply);
    };
    const fail = (error: unknown) => {
      if (!isSettled && !(error instanceof ServiceError)) observed.fail(error);
      settle(statusOfError(error));
    };

    try {
      admit?.(call);
      const outcome = answer(method, call.request);
      if (!(outcome instanceof Promise)) return settle(...outcome);
      // The end of any call, also of one that was answered: what was not is the caller's leaving or the deadline's passing.
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

function text([value]: MetadataValue[]): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

type Outcome<Reply> = [outcome: Partial<StatusObject> & { code: status }, reply?: Reply];

function answer<Message, Schema extends z.ZodType, Answer, Reply>(
  { schema, fieldNames, fromMessage, call, toReply }: UnaryMethod<Message, Schema, Answer, Reply>,
  message: Message | Malformed,
): Outcome<Reply> | Promise<Outcome<Reply>> {
  if (message instanceof Malformed) return [message.outcome];
  const request = schema.safeParse(fromMessage(message));
  if (!request.success) return [invalidArgument(violationsOf(request.error), fieldNames)];
  const result = call(request.data);
  return result instanceof Promise ? result.then((done) => [ok, toReply(done)]) : [ok, toReply(result)];
}
