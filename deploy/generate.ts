/**
 * Makes the monitoring of Kubernetes out of the files that Compose mounts, so that both have the same alerts and the same dashboard:
 *
 *     npm run deploy:generate
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';

const folder = new URL('./', import.meta.url);
const overlay = new URL('kubernetes/overlays/production/', folder);

const labels = { 'app.kubernetes.io/name': 'greet' };

function render(comment: string, source: string, manifest: object): string {
  const notice = `# ${comment}\n# Made from deploy/${source} by \`npm run deploy:generate\`: change that file.\n`;
  return notice + stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false });
}

const { groups } = parse(await readFile(new URL('prometheus/rules.yml', folder), 'utf8')) as {
  groups: readonly object[];
};
const rule = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'greet', labels },
  spec: { groups },
};
await writeFile(
  new URL('prometheus-rule.yaml', overlay),
  render('The recording rules and alerts, for the Prometheus operator.', 'prometheus/rules.yml', rule),
);

const dashboard = await readFile(new URL('grafana/dashboards/greet.json', folder), 'utf8');
const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'greet-dashboard', labels: { ...labels, grafana_dashboard: '1' } },
  data: { 'greet.json': dashboard },
};
await writeFile(
  new URL('grafana-dashboard.yaml', overlay),
  render(
    "The dashboard, for the sidecar of Grafana's Helm chart, which looks for this label in all namespaces where it is told to.",
    'grafana/dashboards/greet.json',
    configMap,
  ),
);
