import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startTestService } from '../support/service.ts';

const source = fileURLToPath(new URL('../../src/', import.meta.url));

/** Without the output of the log, which the test service replaces. */
const maxFiles = 11;

it('enters at most 11 files of the service for a greeting, besides the wire', async () => {
  const service = await startTestService();
  const greet = async () => (await fetch(`${service.urls.http}/greet?name=Alice`)).text();
  // The first greetings fill the caches.
  for (let count = 0; count < 20; count += 1) await greet();

  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await session.post('Profiler.takePreciseCoverage');
  expect(await greet()).toBe('Hello, Alice');
  const { result } = await session.post('Profiler.takePreciseCoverage');
  session.disconnect();
  await service.drain();

  // Vitest reads an imported constant through a function without a name.
  const wasCalled = ({ functionName, ranges }: Profiler.FunctionCoverage) =>
    functionName !== '' && ranges.some(({ count }) => count > 0);
  const entered = result
    .filter(({ functions }) => functions.some(wasCalled))
    .map(({ url }) => url.replace('file://', ''))
    .filter((file) => file.startsWith(source))
    .map((file) => file.slice(source.length))
    .filter((file) => !file.startsWith('net/'));
  expect(entered).toContain('greeting/greeting.ts');
  expect(entered.length, entered.join('\n')).toBeLessThanOrEqual(maxFiles);
});
