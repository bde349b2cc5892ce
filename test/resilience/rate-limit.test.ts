import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRateLimit, maxClients, type RateLimit } from '../../src/resilience/rate-limit.ts';
import { collectGarbage } from '../support/collect-garbage.ts';

const create = (maxRequests: number, windowMs: number) =>
  createRateLimit({ rateLimit: { maxRequests, windowMs }, trustedProxies: [] }) as RateLimit;

describe('createRateLimit', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is undefined if there is no limit', () => {
    expect(create(0, 1_000)).toBeUndefined();
  });

  it('counts each client separately, until its window ends', () => {
    const { count } = create(2, 1_000);
    expect(count('a')).toEqual({ used: 1, leftMs: 1_000 });
    vi.advanceTimersByTime(400);
    expect(count('a')).toEqual({ used: 2, leftMs: 600 });
    expect(count('b')).toEqual({ used: 1, leftMs: 1_000 });
    vi.advanceTimersByTime(599);
    // Requests beyond the budget count, too, but do not extend the window.
    expect(count('a')).toEqual({ used: 3, leftMs: 1 });
    vi.advanceTimersByTime(1);
    expect(count('a')).toEqual({ used: 1, leftMs: 1_000 });
    expect(count('b').used).toBe(2);
  });

  it('keeps each window until its end, even if others begin in between', () => {
    const { count } = create(2, 1_000);
    for (let round = 1; round <= 50; round += 1) {
      count(`client ${round}`);
      vi.advanceTimersByTime(70);
      // Fourteen rounds lie within one window.
      for (let back = 0; back < 13 && back < round; back += 1)
        expect(count(`client ${round - back}`).used).toBeGreaterThan(1);
    }
  });

  it('says when to retry, in the message and in whole seconds', () => {
    const { limitError } = create(2, 1_500);
    expect(limitError(1_001)).toMatchObject({
      code: 'limited',
      retryAfterSeconds: 2,
      message: 'One address may send 2 requests in 1.5 s. Try again in 2 s.',
    });
    expect(limitError(0.1).retryAfterSeconds).toBe(1);
  });

  it('forgets the older half of its clients when it has too many', () => {
    const { count } = create(2, 3_600_000);
    count('the first');
    for (let client = 0; client < maxClients / 2; client += 1) count(`early ${client}`);
    expect(count('the first').used).toBe(2);
    for (let client = 0; client < maxClients / 2; client += 1) count(`late ${client}`);
    expect(count('the first').used).toBe(1);
    expect(count(`late ${maxClients / 2 - 1}`).used).toBe(2);
  });

  it('uses less than 10 MB for any number of addresses', () => {
    const { clientOf, count } = create(2, 3_600_000);
    const flood = (net: number) => {
      for (let client = 0; client < 60_000; client += 1)
        count(clientOf(`2001:db8:${net}:${client.toString(16).slice(-4)}::${(client >> 16) + 1}`, undefined));
      for (let client = 0; client < 60_000; client += 1)
        count(clientOf(`10.${net}.${(client >> 8) & 255}.${client & 255}`, undefined));
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const after = flood(1);
    expect(after - before).toBeLessThan(10_000_000);
    expect(flood(2) - before).toBeLessThan(10_000_000);
    // This call keeps the limit alive until here, so that its memory was measured.
    expect(count('somebody').used).toBe(1);
  });
});
