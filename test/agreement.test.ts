import { Agent, get } from 'node:http';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { greetService } from '../src/grpc/contract.ts';
import { readViolations } from '../src/net/grpc/rich-status.ts';
import { unicodeText } from './support/arbitraries.ts';
import { startTestService, type TestService } from './support/service.ts';

/** The bytes of a name: Unicode texts of every kind, and bytes that look like UTF-8 but are not valid. */
const nameBytes = fc.oneof(
  unicodeText(110).map((text) => Buffer.from(text)),
  fc.string({ unit: 'grapheme', maxLength: 110 }).map((text) => Buffer.from(text)),
  fc
    .array(
      fc.constantFrom(
        'a',
        ' ',
        '\n',
        '\u0000',
        '\u0085',
        '\u2028',
        '\u202E',
        '\uFEFF',
        '😀',
        '\u200D',
        '%',
        '+',
        '&',
        '=',
      ),
      { maxLength: 12 },
    )
    .map((parts) => Buffer.from(parts.join(''))),
  fc.integer({ min: 95, max: 105 }).map((count) => Buffer.from('😀'.repeat(count))),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  // Surrogates in a form that UTF-8 forbids.
  fc
    .integer({ min: 0xd800, max: 0xdfff })
    .map((unit) => Buffer.from([0xed, 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)])),
);

type Answer = { greeting: string } | { faults: readonly string[] } | { malformed: true };

describe('HTTP and gRPC', () => {
  let service: TestService;
  let client: Client;
  const agent = new Agent({ keepAlive: true });
  beforeAll(async () => {
    service = await startTestService({ LOG_LEVEL: 'silent' });
    client = new Client(service.urls.grpc, credentials.createInsecure());
  });
  afterAll(async () => {
    client.close();
    agent.destroy();
    await service.drain();
  });

  const overHttp = (name: Buffer) =>
    new Promise<Answer>((resolve, reject) => {
      const encoded = [...name].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
      get(`${service.urls.http}/greet?name=${encoded}`, { agent }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text) => {
          body += text;
        });
        response.on('end', () => {
          if (response.statusCode === 200) return resolve({ greeting: body });
          expect(response.statusCode).toBe(400);
          const { errors } = JSON.parse(body) as { errors?: { detail: string }[] };
          resolve(errors ? { faults: errors.map(({ detail }) => detail) } : { malformed: true });
        });
      }).on('error', reject);
    });

  const overGrpc = (name: Buffer) =>
    new Promise<Answer>((resolve, reject) => {
      const { path, responseDeserialize } = greetService.Greet;
      // Field 1, length-delimited; no length here needs more than two bytes.
      const length = name.length < 128 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
      const message = Buffer.concat([Buffer.from([0x0a, ...length]), name]);
      client.makeUnaryRequest(
        path,
        (raw: Buffer) => raw,
        responseDeserialize,
        message,
        (error: ServiceError | null, answer) => {
          if (!error) return resolve({ greeting: answer?.message ?? '' });
          if (error.code !== status.INVALID_ARGUMENT) return reject(error);
          const violations = readViolations(error);
          resolve(
            violations.length > 0 ? { faults: violations.map(({ detail }) => detail) } : { malformed: true },
          );
        },
      );
    });

  it('give the same greeting or the same error message for any bytes', async () => {
    const seen = { greeting: 0, faults: 0, malformed: 0 };
    await fc.assert(
      fc.asyncProperty(nameBytes, async (name) => {
        const [http, grpc] = await Promise.all([overHttp(name), overGrpc(name)]);
        expect(grpc).toEqual(http);
        seen[Object.keys(http)[0] as keyof typeof seen] += 1;
      }),
      { numRuns: 500 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
  });
});
