/** What `greet/client` exports to Node; a browser gets `http.ts` alone. */
export { createGrpcClient, type GrpcClient, type GrpcClientOptions, type TlsOptions } from './grpc.ts';
export * from './http-node.ts';
