/** The exports of `greet/client` in Node. A browser gets `http.ts` alone. */
export { createGrpcClient, type GrpcClient, type GrpcClientOptions, type TlsOptions } from './grpc.ts';
export * from './http-node.ts';
