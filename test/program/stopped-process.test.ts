import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createStopwatch } from '../../src/net/stopped-process.ts';
import { shortLimits, startTestService, until, untilRead } from '../support/service.ts';

const sleeper = new Int32Array(new SharedArrayBuffer(4));
/** Blocks the process without using CPU time, as SIGSTOP does. */
const standStill = (milliseconds: number) => Atomics.wait(sleeper, 0, 0, milliseconds);
const block = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

describe('createStopwatch', () => {
  it('distinguishes a busy process from a stopped one', async () => {
    const nextLap = createStopwatch();
    // On a busy machine, other processes may have had the CPU in the meantime.
    await until(() => {
      nextLap();
      block(20);
      return nextLap().hasRun;
    });
    standStill(1_000);
    const { elapsedMs, hasRun } = nextLap();
    expect(hasRun).toBe(false);
    expect(elapsedMs).toBeGreaterThanOrEqual(1_000);
  });
});

describe('a request that was partly received when the process was stopped', () => {
  const begin = async (beforeRest: () => Promise<void> | void) => {
    const service = await startTestService({}, { ...shortLimits, headersTimeoutMs: 1_000 });
    const socket = connect(Number(new URL(service.urls.http).port), 'localhost').setEncoding('utf8');
    let answer = '';
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\nConnection: close\r\n');
    await untilRead(service);
    await beforeRest();
    socket.write('\r\n');
    await until(() => answer !== '');
    await service.drain();
    return answer.slice(0, answer.indexOf('\r\n'));
  };

  it('is answered: the time of the stop does not count', async () => {
    const status = await begin(async () => {
      standStill(3_000);
      // Waits for a sweep before the rest of the request arrives.
      await new Promise((resolve) => setTimeout(resolve, shortLimits.sweepIntervalMs));
    });
    expect(status).toBe('HTTP/1.1 200 OK');
  });

  it('is refused if the process ran and the headers took too long', async () => {
    const status = await begin(() => new Promise((resolve) => setTimeout(resolve, 2_000)));
    expect(status).toBe('HTTP/1.1 408 Request Timeout');
  });
});
