import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

const shown = 10;

/** Prints the slowest tests at the end of a run: `npm run test:slowest`. */
export default class SlowestReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules
      .flatMap((module) => [...module.children.allTests()])
      .map((test) => ({
        durationMs: test.diagnostic()?.duration ?? 0,
        file: relative(process.cwd(), test.module.moduleId),
        title: test.fullName,
      }))
      .sort((one, other) => other.durationMs - one.durationMs)
      .slice(0, shown);
    const lines = tests.map(
      ({ durationMs, file, title }) => `${(durationMs / 1_000).toFixed(1).padStart(6)} s  ${file}  ${title}`,
    );
    process.stdout.write(`\nThe ${tests.length} slowest tests:\n${lines.join('\n')}\n`);
  }
}
