import { afterEach, describe, expect, it } from 'vitest';
import { freePort, missing, run } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';

const lacking = missing('wrk');

describe.skipIf(lacking)(
  `a replica with more callers than it can serve${lacking ? `: ${lacking}` : ''}`,
  () => {
    let program: Program;
    afterEach(() => program.dispose());

    it('greets nearly as many as at its best, and answers its probes', async () => {
      const port = await freePort();
      const http = `http://127.0.0.1:${port}`;
      program = await runProgram({ env: { HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'warn' } });
      await until(async () => (await fetch(`${http}/readyz`).catch(() => undefined))?.status === 200);
      const load = async (connections: number) => {
        const { stdout } = await run('wrk', ['-t1', `-c${connections}`, '-d4s', `${http}/greet?name=Alice`]);
        const all = Number(/(\d+) requests in/.exec(stdout)?.[1]);
        const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
        return { greetedPerSecond: (all - refused) / 4, refused };
      };
      await load(32);
      const best = await load(32);

      let isLoaded = true;
      let slowestProbeMs = 0;
      const probing = (async () => {
        while (isLoaded) {
          const startedAt = performance.now();
          const statuses = await Promise.all(
            ['livez', 'readyz'].map(async (path) => (await fetch(`${http}/${path}`)).status),
          );
          expect(statuses).toEqual([200, 200]);
          slowestProbeMs = Math.max(slowestProbeMs, performance.now() - startedAt);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      })();
      const flooded = await load(128);
      isLoaded = false;
      await probing;
      console.log(
        `32 callers: ${Math.round(best.greetedPerSecond)} greetings/s; 128 callers: ${Math.round(flooded.greetedPerSecond)}, ` +
          `${flooded.refused} refused; slowest probe ${Math.round(slowestProbeMs)} ms`,
      );
      expect(flooded.greetedPerSecond).toBeGreaterThan(0.8 * best.greetedPerSecond);
      expect(slowestProbeMs).toBeLessThan(1_000);
    });
  },
);
