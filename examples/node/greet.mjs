import { createHttpClient, GreetError } from '@greet/client';
import { createGrpcClient } from '@greet/client/grpc';

const [url, address, name] = process.argv.slice(2);
const http = createHttpClient({ url, timeoutMs: 2_000 });
const grpc = createGrpcClient({ address, timeoutMs: 2_000 });
try {
  console.log((await http.greet(name)).message);
  console.log((await grpc.greet(name)).message);
  await http.greet('');
} catch (error) {
  if (!(error instanceof GreetError)) throw error;
  console.log(`${error.kind}: ${error.message}`);
} finally {
  grpc.close();
}
