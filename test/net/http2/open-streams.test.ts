import { EventEmitter } from 'node:events';
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { OpenStreams } from '../../../src/net/http2/open-streams.ts';
import { defaultLimits } from '../../../src/net/limits.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

/** As much of a stream as the list uses. */
class FakeStream extends EventEmitter {
  destroyed = false;
  rstCode = 0;
  close(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const session = {} as Http2Session;
const entryOf = (fake: FakeStream) => ({
  stream: fake as unknown as ServerHttp2Stream,
  stalled: 0,
  onClosed() {},
});

describe('the list of open streams', () => {
  it('has the open streams in the order in which they came', () => {
    const list = new OpenStreams(defaultLimits);
    const fakes = Array.from({ length: 100 }, () => new FakeStream());
    for (const fake of fakes) list.add(entryOf(fake), session);
    fakes[50]?.close();
    const open = fakes.filter((_, index) => index !== 50);
    expect(Array.from(list, ({ stream }) => stream)).toEqual(open);
    expect(list.size).toBe(99);
  });

  it('keeps no closed stream in memory after a sweep', async () => {
    const list = new OpenStreams(defaultLimits);
    const closed = Array.from({ length: 10 }, () => {
      const fake = new FakeStream();
      list.add(entryOf(fake), session);
      fake.close();
      return new WeakRef(fake);
    });
    list.sweep();
    // A WeakRef keeps its object until the end of the turn in which it was made.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(closed.filter((ref) => ref.deref() !== undefined)).toEqual([]);
    expect(list.size).toBe(0);
  });
});
