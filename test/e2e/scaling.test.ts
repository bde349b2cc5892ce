import { afterAll, describe, expect, it } from 'vitest';
import { startHaproxy } from '../support/balancer.ts';
import { missing } from '../support/command.ts';
import { Fleet, loadGrpcWhile, loadHttpWhile } from '../support/fleet.ts';

const lacking = missing('haproxy', 'wrk');
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe.skipIf(lacking)(`one replica that becomes three${lacking ? `: ${lacking}` : ''}`, () => {
  const fleet = new Fleet();
  afterAll(() => fleet.dispose());

  it('shares its load evenly, over HTTP at once and over gRPC within the age of a connection', async () => {
    const env = {
      LOG_LEVEL: 'info',
      GRPC_MAX_CONNECTION_AGE_MS: '1000',
      GRPC_MAX_CONNECTION_AGE_GRACE_MS: '1000',
    };
    for (let count = 0; count < 3; count += 1) await fleet.add();
    const balancer = await startHaproxy(fleet.ports);
    // All three are known to HAProxy; two are not there yet.
    for (const index of [1, 2]) fleet.programs[index]?.process.kill('SIGKILL');
    fleet.programs[0]?.process.kill('SIGKILL');
    await fleet.start(0, env);
    await wait(1_500);

    const scaling = (async () => {
      await wait(1_000);
      await Promise.all([fleet.start(1, env), fleet.start(2, env)]);
      await wait(4_000);
    })();
    const before = { http: [0, 0, 0], grpc: [0, 0, 0] };
    const counting = (async () => {
      // From two seconds after the scaling on.
      await wait(3_500);
      for (const index of [0, 1, 2]) {
        before.http[index] = await fleet.greetingsOf(index, 'http');
        before.grpc[index] = await fleet.greetingsOf(index, 'grpc');
      }
    })();
    const [http, grpc] = await Promise.all([
      loadHttpWhile(balancer.http, scaling, 8),
      loadGrpcWhile(balancer.grpc, scaling),
      counting,
    ]);
    balancer.stop();
    expect([...http.failures, ...grpc.failures]).toEqual([]);
    for (const transport of ['http', 'grpc'] as const) {
      const counts = await Promise.all(
        [0, 1, 2].map(
          async (index) => (await fleet.greetingsOf(index, transport)) - (before[transport][index] ?? 0),
        ),
      );
      const third = counts.reduce((sum, count) => sum + count, 0) / 3;
      console.log(`${transport}, after scaling from 1 to 3: ${counts.join(', ')}`);
      for (const count of counts) expect(Math.abs(count - third)).toBeLessThan(0.1 * third);
    }
  }, 60_000);
});
