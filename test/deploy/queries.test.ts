import { readFile } from 'node:fs/promises';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Certificates } from '../../src/net/tls/certificates.ts';
import { operations, servedNames } from '../../src/operations.ts';
import { createFaults } from '../../src/resilience/faults.ts';
import { createReadiness } from '../../src/resilience/readiness.ts';
import { exportCertificates } from '../../src/telemetry/certificates.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRecorder } from '../../src/telemetry/recorder.ts';
import { readRunbooks } from '../support/runbooks.ts';

const read = (name: string) => readFile(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly expr: string;
}

const rules = (parse(await read('prometheus/rules.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(await read('grafana/dashboards/greet.json')) as {
  panels: { title: string; targets?: { expr: string }[] }[];
};

/** All metrics with their labels: those that the service exports, that Prometheus adds and that rules record. */
async function knownLabels(): Promise<Map<string, Set<string>>> {
  const known = new Map<string, Set<string>>();
  const target = ['job', 'instance'];
  const metrics = createMetrics({
    faults: createFaults(),
    readiness: createReadiness(),
    version: '',
    revision: '',
  });
  createRecorder(metrics, { info() {}, debug() {} }, servedNames(operations));
  exportCertificates(metrics, {
    current: { leaf: { validTo: new Date().toUTCString() } },
    isRejecting: false,
  } as Certificates);
  const { registry } = metrics;
  // This one is empty before the first collection, so its labels must be given here.
  known.set('nodejs_gc_duration_seconds_sum', new Set([...target, 'kind']));
  for (const line of (await registry.metrics()).split('\n')) {
    const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label);
    known.set(name, new Set([...(known.get(name) ?? []), ...target, ...names]));
  }
  for (const name of ['up', 'ALERTS'])
    known.set(name, new Set([...target, 'alertname', 'alertstate', 'severity']));
  // kube-state-metrics exports this one, if it is installed.
  known.set('kube_deployment_spec_replicas', new Set(['namespace', 'deployment']));
  for (const { record, labels = {} } of rules) if (record) known.set(record, new Set(Object.keys(labels)));
  return known;
}

interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** Reads the metrics of a query with the labels in their matchers, and the labels in its groupings. */
function readQuery(expr: string): { selectors: Selector[]; grouping: string[] } {
  // Replaces Grafana's variable, which stands for a duration.
  const text = expr.replaceAll('$__rate_interval', '1m');
  const selectors: { metric: string; labels: string[] }[] = [];
  const grouping: string[] = [];
  let isGrouping = false;
  parser.parse(text).iterate({
    enter(node) {
      const source = text.slice(node.from, node.to);
      if (node.type.isError) throw new Error(`cannot be parsed at ${node.from}: ${expr}`);
      if (node.name === 'GroupingLabels') isGrouping = true;
      else if (node.name === 'VectorSelector')
        selectors.push({ metric: source.split('{')[0]?.trim() ?? '', labels: [] });
      else if (node.name === 'LabelName') {
        if (isGrouping) grouping.push(source);
        else selectors.at(-1)?.labels.push(source);
      }
    },
    leave(node) {
      if (node.name === 'GroupingLabels') isGrouping = false;
    },
  });
  return { selectors, grouping };
}

const queries = [
  ...rules.map(({ record, alert, expr }) => ({ title: record ?? alert ?? '', expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ title: `the panel "${title}"`, expr })),
  ),
  ...[...(await readRunbooks())].flatMap(([alert, { queries: asked }]) =>
    asked.map((expr) => ({ title: `the runbook of ${alert}`, expr })),
  ),
];

describe('the queries of rules, dashboard and runbooks', () => {
  it('are found', () => {
    expect(queries.length).toBeGreaterThan(50);
  });

  it.each(queries)('name only exported metrics and labels: $title', async ({ expr }) => {
    const known = await knownLabels();
    const { selectors, grouping } = readQuery(expr);
    expect(selectors).not.toEqual([]);
    for (const { metric, labels } of selectors) {
      expect([...known.keys()]).toContain(metric);
      for (const label of labels) expect([...(known.get(metric) ?? [])]).toContain(label);
    }
    const groupable = selectors.flatMap(({ metric }) => [...(known.get(metric) ?? [])]);
    for (const label of grouping) expect(groupable).toContain(label);
  });

  it('would fail if they named another metric or label', async () => {
    const { selectors, grouping } = readQuery(
      'sum by (colour) (rate(greet_nope_total{route="/greet"}[$__rate_interval]))',
    );
    expect(selectors).toEqual([{ metric: 'greet_nope_total', labels: ['route'] }]);
    expect(grouping).toEqual(['colour']);
    expect((await knownLabels()).has('greet_nope_total')).toBe(false);
    expect(() => readQuery('sum(rate(up[5m])')).toThrow('cannot be parsed');
  });
});
