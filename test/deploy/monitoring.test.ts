import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readRunbooks } from '../support/runbooks.ts';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const load = async (path: string) => parse(await read(path));

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const { groups } = (await load('deploy/prometheus/rules.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const runbooks = await readRunbooks();

describe('the monitoring of Kubernetes', () => {
  const overlay = 'deploy/kubernetes/overlays/production/';

  it('has the same rules as Compose', async () => {
    const { kind, spec } = await load(`${overlay}prometheus-rule.yaml`);
    expect(kind).toBe('PrometheusRule');
    expect(spec).toEqual({ groups });
  });

  it('has the same dashboard as Compose', async () => {
    const { kind, metadata, data } = await load(`${overlay}grafana-dashboard.yaml`);
    expect(kind).toBe('ConfigMap');
    expect(metadata.labels).toMatchObject({ grafana_dashboard: '1' });
    expect(data).toEqual({ 'greet.json': await read('deploy/grafana/dashboards/greet.json') });
  });

  it('expects the number of replicas under Compose and the minimum of the autoscaler', async () => {
    const [, expected] = /or vector\((\d+)\)/.exec(
      rules.find(({ record }) => record === 'greet:replicas_expected')?.expr ?? '',
    ) as unknown as [string, string];
    const { services } = await load('deploy/compose.yaml');
    const autoscaler = await load(`${overlay}horizontal-pod-autoscaler.yaml`);
    expect(services.greet.deploy.replicas).toBe(Number(expected));
    expect(autoscaler.spec.minReplicas).toBe(Number(expected));
  });
});

describe('every alert', () => {
  it('is found', () => expect(new Set(alerts.map(({ alert }) => alert)).size).toBeGreaterThan(7));

  it.each(alerts)(
    '$alert leads to its own page, which has queries and log filters',
    ({ alert = '', annotations }) => {
      const anchor = alert.toLowerCase();
      expect(annotations?.runbook_url).toMatch(new RegExp(`/docs/runbooks\\.md#${anchor}$`));
      const runbook = runbooks.get(alert);
      expect(runbook?.queries.length).toBeGreaterThan(0);
      expect(runbook?.logFilters.length).toBeGreaterThan(0);
    },
  );

  it('has a page, and no other page exists', () => {
    expect([...runbooks.keys()].toSorted()).toEqual(
      [...new Set(alerts.map(({ alert }) => alert))].toSorted(),
    );
  });

  it.each(alerts)('$alert reaches the receiver for its severity: $labels.severity', async ({ labels }) => {
    const { route, receivers } = await load('deploy/alertmanager/alertmanager.yml');
    const routes = route.routes as { matchers: string[]; receiver: string }[];
    const taken = routes.find(({ matchers }) => matchers.includes(`severity="${labels?.severity}"`));
    const receiver = taken?.receiver ?? route.receiver;
    expect(receiver).toBe(labels?.severity === 'info' ? 'nobody' : labels?.severity);
    expect((receivers as { name: string }[]).map(({ name }) => name)).toContain(receiver);
  });
});
