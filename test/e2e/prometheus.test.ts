import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { missing, run } from '../support/command.ts';
import { runProgram } from '../support/program.ts';

const lacking = missing('promtool', 'amtool');
const deployed = fileURLToPath(new URL('../../deploy/', import.meta.url));

describe.skipIf(lacking)(`the files of Prometheus and Alertmanager${lacking ? `: ${lacking}` : ''}`, () => {
  it.each([
    ['promtool', 'check', 'config', `${deployed}prometheus/prometheus.yml`],
    ['promtool', 'check', 'rules', `${deployed}prometheus/rules.yml`],
    ['promtool', 'test', 'rules', `${deployed}prometheus/rules.test.yml`],
    ['amtool', 'check-config', `${deployed}alertmanager/alertmanager.yml`],
  ])('are valid: %s %s', async (command, ...args) => {
    const { code, stdout, stderr } = await run(command, args);
    expect(code, stdout + stderr).toBe(0);
  });

  it.each([
    { threshold: '14.4 * 0.001', broken: '1.44 * 0.001', test: 'failures just below' },
    { threshold: '14.4 * 0.01', broken: '144 * 0.01', test: 'slow greetings page' },
    { threshold: 'replicas_ready == 0', broken: 'replicas_ready == 1', test: 'nobody ready' },
    { threshold: '< greet:replicas_expected', broken: '<= greet:replicas_expected', test: 'on Kubernetes' },
    { threshold: 'or vector(3)', broken: 'or vector(2)', test: 'one of three' },
    { threshold: '> 0.85', broken: '> 0.96', test: 'a replica at the end' },
    { threshold: '[5m])) > 0\n', broken: '[5m])) > 999\n', test: 'faults that are injected' },
  ])('fail their tests if $threshold is replaced by $broken', async ({ threshold, broken, test }) => {
    const rules = await readFile(`${deployed}prometheus/rules.yml`, 'utf8');
    expect(rules).toContain(threshold);
    const passes = async (text: string) => {
      const folder = await mkdtemp(join(tmpdir(), 'greet-rules-'));
      await cp(`${deployed}prometheus/rules.test.yml`, join(folder, 'rules.test.yml'));
      await writeFile(join(folder, 'rules.yml'), text);
      const { code } = await run('promtool', [
        'test',
        'rules',
        '--run',
        test,
        join(folder, 'rules.test.yml'),
      ]);
      await rm(folder, { recursive: true });
      return code === 0;
    };
    expect(await passes(rules)).toBe(true);
    expect(await passes(rules.replaceAll(threshold, broken))).toBe(false);
  });

  it('accept the metrics of greet: promtool finds no fault', async () => {
    const program = await runProgram();
    const { admin, http } = await program.listening();
    await fetch(`${http}/greet?name=Alice`);
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    await program.dispose();
    expect(await run('promtool', ['check', 'metrics'], { input: metrics })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });
});
