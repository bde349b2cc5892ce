import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, it } from 'vitest';
import { createHttpServer } from '../../../src/net/http1/server.ts';
import { defaultLimits } from '../../../src/net/limits.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { until } from '../../support/service.ts';

it('releases the objects of an answered request while its connection is idle', async () => {
  const responses: WeakRef<ServerResponse>[] = [];
  const { server, closeNow } = createHttpServer({
    keepAliveTimeoutMs: 60_000,
    limits: defaultLimits,
    answerRefusal: () => ({ status: 400, headers: {}, body: '' }),
    handler(_request, response) {
      responses.push(new WeakRef(response));
      response.end('answered');
    },
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: greet\r\n\r\n');
  await once(socket, 'data');

  await until(() => {
    collectGarbage();
    return responses[0]?.deref() === undefined;
  });
  expect(responses).toHaveLength(1);
  expect(socket.writable).toBe(true);
  socket.destroy();
  server.close();
  closeNow();
});
