import { greet } from './greeting/greeting.ts';
import { greetMethod } from './grpc/greet.ts';
import type { CallableOperation, UnaryMethod } from './grpc/unary.ts';
import type { OperationRoute, RoutedOperation } from './http/operation-route.ts';
import { greetRoute } from './http/routes/greet.ts';

/** One thing that the service does, over both transports. */
export type Operation = RoutedOperation & CallableOperation;

/**
 * Everything that the service does. All that belongs to every operation follows from this list: overload protection, injected faults,
 * metrics, the OpenAPI document, gRPC codecs and health, and the tests that walk all operations.
 */
export const operations: readonly Operation[] = [operation(greet, greetRoute, greetMethod)];

/** Checks that the three parts have the same request and answer. */
function operation<Request, Answer, RequestMessage, ResponseMessage>(
  call: (request: Request) => Answer | Promise<Answer>,
  route: OperationRoute<Request, Answer>,
  method: UnaryMethod<Request, Answer, RequestMessage, ResponseMessage>,
): Operation {
  return { call, route, method } as unknown as Operation;
}

/** The labels of the operations in metrics. */
export function servedNames(served: readonly Operation[]) {
  return {
    routes: served.map(({ route }) => route.path),
    methods: served.map(({ method }) => method),
  };
}
