import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createStopwatch } from '../../src/net/standstill.ts';
import { shortLimits, startTestService, until, untilRead } from '../support/service.ts';

const sleeper = new Int32Array(new SharedArrayBuffer(4));
/** The process sleeps, as it does after SIGSTOP. */
const standStill = (milliseconds: number) => Atomics.wait(sleeper, 0, 0, milliseconds);
const block = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

describe('a stopwatch', () => {
  it('tells time in which the process was busy from time in which it stood still', async () => {
    const nextLap = createStopwatch();
    // On a busy machine, others may have had the CPU.
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

describe('a request that was on its way in when the process stood still', () => {
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

  it('is answered, and not refused for that time', async () => {
    const status = await begin(async () => {
      standStill(3_000);
      // A sweep, before the rest comes.
      await new Promise((resolve) => setTimeout(resolve, shortLimits.sweepIntervalMs));
    });
    expect(status).toBe('HTTP/1.1 200 OK');
  });

  it('is refused for time in which the process ran', async () => {
    const status = await begin(() => new Promise((resolve) => setTimeout(resolve, 2_000)));
    expect(status).toBe('HTTP/1.1 408 Request Timeout');
  });
});
