import { describe, expect, it } from 'vitest';
import { createReadiness } from '../../src/resilience/readiness.ts';

describe('createReadiness', () => {
  it('is not ready at first, and reports each change once', () => {
    const readiness = createReadiness();
    const seen: string[] = [readiness.state];
    const stop = readiness.subscribe((state) => seen.push(state));
    readiness.become('ready');
    readiness.become('ready');
    readiness.become('draining');
    stop();
    readiness.become('ready');
    expect(seen).toEqual(['starting', 'ready', 'draining']);
  });
});
