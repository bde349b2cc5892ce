import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { balancerAddresses, startBalancer } from '../support/balancer.ts';
import { missing } from '../support/command.ts';
import { Replicas } from '../support/replicas.ts';
import { lackingNetwork, TestNetwork } from '../support/test-network.ts';

const lacking = missing('envoy') ?? lackingNetwork();

describe.skipIf(lacking)(`gRPC-Web through Envoy${lacking ? `: ${lacking}` : ''}`, () => {
  let network: TestNetwork;
  let replicas: Replicas;
  beforeAll(async () => {
    network = await TestNetwork.create();
    replicas = new Replicas(network);
    await replicas.add(['10.77.0.11']);
    await startBalancer(network, 'envoy');
  });
  afterAll(async () => {
    await replicas.dispose();
    await network.dispose();
  });

  const url = `http://${balancerAddresses.http}${greetService.Greet.path}`;
  const origin = 'https://app.example.com';

  it('greets a page on another origin', async () => {
    const message = greetService.Greet.requestSerialize({ message: 'Alice' });
    const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    const { status, headers, body } = await network.call('fetch', url, {
      method: 'POST',
      headers: {
        accept: 'application/grpc-web-text+proto',
        'content-type': 'application/grpc-web-text+proto',
        'x-grpc-web': '1',
        origin,
      },
      body: frame.toString('base64'),
    });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'access-control-allow-origin': origin });
    // The body has two frames, the greeting and the trailers. Each ends its own base64 text.
    const answer = body.match(/[^=]+=*/g)?.map((part) => Buffer.from(part, 'base64').toString());
    expect(answer?.join('')).toContain('Hello, Alice');
    expect(answer?.join('')).toContain('grpc-status:0');
  });

  it('answers the preflight of such a page', async () => {
    const { status, headers } = await network.call('fetch', url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-grpc-web',
      },
    });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': expect.stringContaining('x-grpc-web'),
    });
  });
});
