// @grpc/grpc-js as in its examples, without any other feature.
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { host, port } from './address.mjs';

const { greet } = loadPackageDefinition(
  loadSync(fileURLToPath(new URL('../../proto/greet.proto', import.meta.url))),
);
const server = new Server();
server.addService(greet.GreetService.service, {
  greet: (call, callback) => callback(null, { message: `Hello, ${call.request.message}` }),
});
server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
