import { markdownTable } from '../markdown-table.ts';
import type { Result } from './compare.ts';

/** The contenders of one baseline. All are compared with `reference`. */
export function comparisonTable(title: string, results: readonly Result[], reference: string): string {
  const unit = results.find(({ name }) => name === reference)?.ratio ?? Number.NaN;
  const hasLatency = results.some(({ latency }) => latency !== undefined);
  const head = [
    title,
    'CPU, to the floor',
    'quartiles',
    'us more',
    'greetings a second of CPU',
    `CPU, to ${reference}`,
    'memory at rest, after',
    ...(hasLatency ? ['p50, p99 at half load'] : []),
  ];
  const rows = results.map(
    ({ name, ratio, spread, microsOver, cpuMicros, memoryAtRest, memoryAfter, latency }) => [
      name,
      ratio.toFixed(2),
      spread.map((value) => value.toFixed(2)).join(' - '),
      microsOver.toFixed(1),
      Math.round(1e6 / cpuMicros).toLocaleString('en'),
      (ratio / unit).toFixed(2),
      `${memoryAtRest.toFixed(0)}, ${memoryAfter.toFixed(0)} MB`,
      ...(latency ? [`${latency.p50.toFixed(2)}, ${latency.p99.toFixed(2)} ms`] : []),
    ],
  );
  return markdownTable(head, rows);
}
