import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { environmentSchema } from '../../src/config/config.ts';
import { flushTimeoutMs, loadConfig } from '../../src/config/load-config.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');

const folders = ['base', 'overlays/local', 'overlays/production'] as const;
type Folder = (typeof folders)[number];

const locate = (folder: Folder, file = '') => `deploy/kubernetes/${folder}/${file}`;
const load = async (folder: Folder, file: string) => parse(await read(locate(folder, file)));

interface Kustomization {
  readonly resources: readonly string[];
  readonly patches?: readonly { readonly path?: string }[];
  readonly configMapGenerator: readonly { readonly name: string; readonly literals: readonly string[] }[];
}

const kustomizations = Object.fromEntries(
  await Promise.all(folders.map(async (folder) => [folder, await load(folder, 'kustomization.yaml')])),
) as Record<Folder, Kustomization>;

const base = {
  deployment: await load('base', 'deployment.yaml'),
  service: await load('base', 'service.yaml'),
  headless: await load('base', 'service-headless.yaml'),
  policy: await load('base', 'network-policy.yaml'),
};
const production = {
  httpRoute: await load('overlays/production', 'http-route.yaml'),
  grpcRoute: await load('overlays/production', 'grpc-route.yaml'),
  autoscaler: await load('overlays/production', 'horizontal-pod-autoscaler.yaml'),
  budget: await load('overlays/production', 'pod-disruption-budget.yaml'),
  monitor: await load('overlays/production', 'service-monitor.yaml'),
  namespace: await load('overlays/production', 'namespace.yaml'),
};

const { spec: pod, metadata: podMetadata } = base.deployment.spec.template;
const [container] = pod.containers;
const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];

interface Port {
  readonly name: string;
  readonly port: number;
  readonly targetPort: string;
}
const services: readonly { metadata: { name: string; labels: object }; spec: { ports: Port[] } }[] = [
  base.service,
  base.headless,
];
const portNames: string[] = container.ports.map(({ name }: { name: string }) => name);

/** The variables that this folder itself sets. */
function readLiterals(folder: Folder): Record<string, string> {
  const pairs = kustomizations[folder].configMapGenerator.flatMap(({ literals }) =>
    literals.map((literal) => /^(\w+)=(.*)$/.exec(literal)?.slice(1) ?? [literal, '']),
  );
  return Object.fromEntries(pairs);
}

/** The environment of greet once the folder is deployed. */
const environmentOf = (folder: Folder) => ({ ...readLiterals('base'), ...readLiterals(folder) });

describe.each(folders)('deploy/kubernetes/%s', (folder) => {
  it('names exactly the files that it contains', async () => {
    const { resources, patches = [] } = kustomizations[folder];
    const present = (await readdir(new URL(locate(folder), root))).filter(
      (file) => file !== 'kustomization.yaml',
    );
    const named = [...resources, ...patches.flatMap(({ path }) => path ?? [])];
    expect(named.filter((file) => !file.startsWith('../')).toSorted()).toEqual(present.toSorted());
    if (folder !== 'base') expect(named).toContain('../../base');
  });

  it('sets only variables that greet reads, to valid values', () => {
    const literals = readLiterals(folder);
    expect(Object.keys(literals)).not.toEqual([]);
    expect(Object.keys(environmentSchema.shape)).toEqual(expect.arrayContaining(Object.keys(literals)));
    expect(() => loadConfig(environmentOf(folder))).not.toThrow();
  });

  it('gives a replica more time than its drain needs, and sets this time in its environment', () => {
    const environment = environmentOf(folder);
    const { drainDelayMs, shutdownTimeoutMs } = loadConfig(environment);
    const graceMs = pod.terminationGracePeriodSeconds * 1_000;
    expect(environment).toMatchObject({ TERMINATION_GRACE_PERIOD_MS: String(graceMs) });
    expect(graceMs).toBeGreaterThan(drainDelayMs + shutdownTimeoutMs + flushTimeoutMs);
  });

  it('detects that a replica drains before the replica stops listening', () => {
    const { periodSeconds, failureThreshold } = container.readinessProbe;
    expect(periodSeconds * failureThreshold * 1_000).toBeLessThan(
      loadConfig(environmentOf(folder)).drainDelayMs,
    );
  });

  it('opens the ports that greet listens on', () => {
    const { port, grpcPort, adminPort } = loadConfig(environmentOf(folder));
    expect(container.ports).toEqual([
      { name: 'http', containerPort: port },
      { name: 'grpc', containerPort: grpcPort },
      { name: 'admin', containerPort: adminPort },
    ]);
  });
});

describe('a replica on Kubernetes', () => {
  it('is probed on paths that greet serves', async () => {
    const { paths } = JSON.parse(await read('openapi/openapi.json'));
    const asked = probes.map(({ httpGet }) => httpGet);
    expect(asked).toEqual([
      { path: '/livez', port: 'http' },
      { path: '/livez', port: 'http' },
      { path: '/readyz', port: 'http' },
    ]);
    for (const { path } of asked) expect(Object.keys(paths)).toContain(path);
  });

  it('meets the restricted Pod Security Standard, and more', async () => {
    expect(pod.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(pod.containers).toHaveLength(1);
    for (const name of ['hostNetwork', 'hostPID', 'hostIPC', 'volumes', 'initContainers'])
      expect(pod).not.toHaveProperty(name);
    expect(await read('Dockerfile')).toContain(
      `USER ${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}\n`,
    );
    expect(production.namespace.metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
  });

  it('has the same memory request and limit, equal to the limit under Compose', async () => {
    const { requests, limits } = container.resources;
    expect(requests.memory).toBe(limits.memory);
    const compose = parse(await read('deploy/compose.yaml'));
    expect(limits.memory).toBe(compose.services.greet.mem_limit.replace('m', 'Mi'));
  });

  it('ends only when another one is ready', () => {
    expect(base.deployment.spec.strategy.rollingUpdate).toMatchObject({ maxUnavailable: 0 });
    expect(production.budget.spec).toMatchObject({ maxUnavailable: 1 });
  });

  it('takes its settings from the generated ConfigMap', () => {
    expect(container.envFrom).toEqual([{ configMapRef: { name: 'greet' } }]);
    for (const { configMapGenerator } of Object.values(kustomizations))
      expect(configMapGenerator.map(({ name }) => name)).toEqual(['greet']);
  });
});

describe('the objects that refer to the replicas', () => {
  it.each([
    ['Deployment', base.deployment.spec.selector.matchLabels],
    ['Service', base.service.spec.selector],
    ['headless Service', base.headless.spec.selector],
    ['NetworkPolicy', base.policy.spec.podSelector.matchLabels],
    ['PodDisruptionBudget', production.budget.spec.selector.matchLabels],
    ['spread over zones', pod.topologySpreadConstraints[0].labelSelector.matchLabels],
    ['spread over nodes', pod.topologySpreadConstraints[1].labelSelector.matchLabels],
  ])('select them by their labels: %s', (_what, selector) => {
    expect(selector).toEqual(podMetadata.labels);
    expect(Object.keys(selector)).not.toEqual([]);
  });

  it('name the Deployment: HorizontalPodAutoscaler', () => {
    const { scaleTargetRef, minReplicas, metrics } = production.autoscaler.spec;
    const { apiVersion, kind, metadata } = base.deployment;
    expect(scaleTargetRef).toEqual({ apiVersion, kind, name: metadata.name });
    expect(minReplicas).toBeGreaterThanOrEqual(3);
    // A fixed number of replicas would undo the changes of the autoscaler.
    expect(base.deployment.spec).not.toHaveProperty('replicas');
    expect(kustomizations['overlays/production']).not.toHaveProperty('replicas');
    // The autoscaler's target is a share of the request, so there must be a request.
    expect(container.resources.requests).toHaveProperty(metrics[0].resource.name);
  });

  it.each(services)('use their ports: Service $metadata.name', ({ spec: { ports } }) => {
    expect(ports.length).toBeGreaterThan(1);
    for (const { name, port, targetPort } of ports) {
      expect(targetPort).toBe(name);
      expect(container.ports).toContainEqual({ name: targetPort, containerPort: port });
    }
  });

  it('keep the admin port out of the public Service', () => {
    expect(base.service.spec.ports.map(({ name }: Port) => name)).toEqual(['http', 'grpc']);
    expect(base.headless.spec.clusterIP).toBe('None');
  });

  it('open the same ports on the node: the local Service', async () => {
    const patch = await load('overlays/local', 'service.yaml');
    expect(patch.metadata).toEqual({ name: base.service.metadata.name });
    expect(patch.spec.ports.map(({ port }: Port) => port)).toEqual(
      base.service.spec.ports.map(({ port }: Port) => port),
    );
  });

  it('name the Service and its port: the routes', () => {
    const { port, grpcPort, shutdownTimeoutMs } = loadConfig(environmentOf('overlays/production'));
    const { httpRoute, grpcRoute } = production;
    const { name } = base.service.metadata;
    expect(httpRoute.spec.rules).toEqual([
      { backendRefs: [{ name, port }], timeouts: { request: `${shutdownTimeoutMs / 1_000}s` } },
    ]);
    expect(grpcRoute.spec.rules).toEqual([{ backendRefs: [{ name, port: grpcPort }] }]);
    for (const hostname of grpcRoute.spec.hostnames) expect(httpRoute.spec.hostnames).not.toContain(hostname);
  });

  it('select the Service with the admin port, under the job name of the alerts: the ServiceMonitor', async () => {
    const { selector, jobLabel, endpoints } = production.monitor.spec;
    const found = services.filter(({ spec: { ports } }) =>
      ports.some(({ name }) => name === endpoints[0].port),
    );
    expect(found).toEqual([base.headless]);
    expect(found[0]?.metadata.labels).toMatchObject(selector.matchLabels);
    expect(Object.entries(selector.matchLabels)).toEqual([[jobLabel, 'greet']]);
    expect(await read('deploy/prometheus/rules.yml')).toContain(`job="${selector.matchLabels[jobLabel]}"`);
  });
});

describe('the NetworkPolicy', () => {
  interface Rule {
    readonly from?: readonly object[];
    readonly ports: readonly { readonly port: string }[];
  }
  const { ingress, egress, policyTypes } = base.policy.spec;
  const monitoring = { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } };

  it('allows greetings from the whole cluster, and the admin port for Prometheus alone', () => {
    expect(policyTypes).toEqual(['Ingress', 'Egress']);
    const rules = (ingress as Rule[]).map(({ from, ports }) => [ports.map(({ port }) => port), from]);
    expect(rules).toEqual([
      [['http', 'grpc'], [{ namespaceSelector: {} }]],
      [
        ['admin'],
        [
          {
            namespaceSelector: monitoring,
            podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } },
          },
        ],
      ],
    ]);
    expect(rules.flatMap(([ports]) => ports)).toEqual(portNames);
  });

  it('allows only outgoing DNS, and spans to the configured collector', () => {
    const endpoint = new URL(environmentOf('overlays/production').OTEL_EXPORTER_OTLP_ENDPOINT ?? '');
    const [, namespace] = endpoint.hostname.split('.');
    expect(namespace).toBe(monitoring.matchLabels['kubernetes.io/metadata.name']);
    expect(egress).toEqual([
      {
        to: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
            podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
          },
        ],
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
        ],
      },
      { to: [{ namespaceSelector: monitoring }], ports: [{ port: Number(endpoint.port) }] },
    ]);
  });
});

describe('the overlays', () => {
  it('deploy the local build, or the version in package.json', async () => {
    const { version } = JSON.parse(await read('package.json'));
    expect(kustomizations['overlays/local']).toMatchObject({ images: [{ name: 'greet', newTag: 'dev' }] });
    const [image] = (await load('overlays/production', 'kustomization.yaml')).images;
    expect(image.name).toBe(container.image);
    if (image.digest === undefined) expect(image.newTag).toBe(version);
    else expect(image.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('need nothing installed on a local cluster', async () => {
    const named = [
      ...kustomizations.base.resources.map((file) => load('base', file)),
      ...kustomizations['overlays/local'].resources
        .filter((file) => !file.startsWith('../'))
        .map((file) => load('overlays/local', file)),
    ];
    const apis = (await Promise.all(named)).map(({ apiVersion }) => apiVersion);
    expect(new Set(apis)).toEqual(new Set(['apps/v1', 'networking.k8s.io/v1', 'v1']));
  });

  it('deploy production into the namespace that they create', () => {
    expect(kustomizations['overlays/production']).toMatchObject({
      namespace: production.namespace.metadata.name,
    });
  });
});
