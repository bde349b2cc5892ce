import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { generateDocuments } from '../../scripts/openapi/generate.ts';
import { namePattern } from '../../src/greeting/name.ts';
import { type Operation, operations } from '../../src/operations.ts';
import { parseResponses } from '../support/http1-parser.ts';
import { startTestService, type TestService } from '../support/service.ts';

const committed = (name: string) => readFile(new URL(`../../openapi/${name}`, import.meta.url), 'utf8');

interface Described {
  readonly description?: string;
}
interface Reference {
  readonly $ref?: string;
}
interface Response extends Described {
  readonly headers: Readonly<Record<string, Reference>>;
  readonly content: Readonly<Record<string, { readonly example?: unknown }>>;
}
interface Parameter extends Described {
  readonly name: string;
  readonly schema: { readonly pattern?: string; readonly examples?: readonly unknown[] };
}
interface DescribedOperation extends Described {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly Reference[];
  readonly responses: Readonly<Record<string, Response & Reference>>;
}
interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Described>>;
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly headers: Readonly<Record<string, Described>>;
    readonly responses: Readonly<Record<string, Response>>;
  };
}

const json = await committed('openapi.json');
const yaml = await committed('openapi.yaml');
const document: Document = JSON.parse(json);
const { components } = document;
const operationIds = operations.map(({ route }) => route.operationId);
const described = Object.values(document.paths).flatMap((path) => Object.values(path));

describe('the OpenAPI document', () => {
  it('is committed as the schemas make it; run `npm run openapi` if it is not', async () => {
    expect(await generateDocuments()).toEqual({ 'openapi.json': json, 'openapi.yaml': yaml });
  });

  it('is the same as JSON and as YAML, also to a parser of YAML 1.1', () => {
    expect(parse(yaml)).toEqual(document);
    expect(parse(yaml, { version: '1.1' })).toEqual(document);
  });

  it('is short enough to be read', () => {
    // 350 lines are shared, and each operation may have 75.
    expect(yaml.split('\n').length).toBeLessThanOrEqual(350 + 75 * operations.length);
  });

  it('shows every character: no control, format or unusual space character stands in it unescaped', () => {
    for (const text of [json, yaml]) expect(text.replaceAll(/[ \n]/g, '')).not.toMatch(/[\p{C}\p{Z}]/u);
  });

  it('describes every operation, parameter, response, header and schema, with examples', () => {
    expect(document.openapi).toBe('3.1.1');
    expect(described.map(({ operationId }) => operationId)).toEqual([
      ...operationIds,
      'getLiveness',
      'getReadiness',
    ]);
    for (const { summary, description } of described) {
      expect(summary).toBeTruthy();
      expect(description).toBeTruthy();
    }
    for (const kind of Object.values(components))
      for (const { description } of Object.values<Described>(kind)) expect(description).toBeTruthy();
    for (const { schema } of Object.values(components.parameters)) expect(schema.examples).not.toEqual([]);
    const inline = described.flatMap(({ responses }) => Object.values(responses)).filter(({ $ref }) => !$ref);
    for (const { description, headers, content } of [...inline, ...Object.values(components.responses)]) {
      expect(description).toBeTruthy();
      expect(Object.keys(headers)).toContain('X-Request-Id');
      for (const media of Object.values(content)) expect(media.example).toBeDefined();
    }
  });

  it('has one component for each problem, header and parameter, and none that nothing refers to', () => {
    const problems = described.flatMap(({ responses }) =>
      Object.entries(responses).filter(([status]) => !/^(?:2..)$/.test(status)),
    );
    for (const [, response] of problems) expect(Object.keys(response)).toEqual(['$ref']);
    for (const { parameters = [] } of described)
      for (const parameter of parameters) expect(Object.keys(parameter)).toEqual(['$ref']);
    for (const [kind, named] of Object.entries(components))
      for (const name of Object.keys(named)) expect(json).toContain(`"#/components/${kind}/${name}"`);
    const texts = Object.values(components).flatMap((kind) => Object.values<Described>(kind));
    expect(new Set(texts.map((text) => JSON.stringify(text))).size).toBe(texts.length);
  });

  it('tells the common statuses one by one, and folds what only the protocol can cause into the default', () => {
    const statuses = Object.fromEntries(
      described.map(({ operationId, responses }) => [operationId, Object.keys(responses)]),
    );
    expect(statuses).toEqual({
      ...Object.fromEntries(operationIds.map((id) => [id, ['200', '400', '406', '429', '503', 'default']])),
      getLiveness: ['200', '400', 'default'],
      getReadiness: ['200', '400', '503', 'default'],
    });
  });

  it('names JSON first, which generators that know one type for each response take', () => {
    const content = document.paths['/greet']?.get?.responses[200]?.content ?? {};
    expect(Object.keys(content)).toEqual(['application/json', 'text/plain']);
  });

  it('has the pattern of the name, which the tests of the name hold equal to the schema', () => {
    expect(document.paths['/greet']?.get?.parameters).toEqual([{ $ref: '#/components/parameters/name' }]);
    expect(components.parameters.name).toMatchObject({ name: 'name', in: 'query', required: true });
    expect(components.parameters.name?.schema.pattern).toBe(namePattern);
  });

  it('names its server relatively, so that calls stay under the prefix of a proxy', () => {
    const [server] = document.servers;
    expect(new URL(server?.url ?? '', 'https://example.com/svc/openapi.json').href).toBe(
      'https://example.com/svc/',
    );
  });
});

describe('a further operation', () => {
  const further = {
    ...operations[0],
    route: { ...operations[0]?.route, path: '/further', operationId: 'further' },
  } as Operation;

  it('adds its path and nothing else, as all that it shares is written already', async () => {
    const documents = await generateDocuments([...operations, further]);
    const extended: Document = JSON.parse(documents['openapi.json']);
    expect(Object.keys(extended.paths)).toContain('/further');
    expect(extended.components).toEqual(components);
    expect(extended.paths['/further']?.get?.parameters).toEqual([{ $ref: '#/components/parameters/name' }]);
  });

  it('keeps a parameter of its own where another operation has a different one of the same name', async () => {
    const query = z.object({ name: z.string().meta({ description: 'Another name.', examples: ['x'] }) });
    const other = { ...further, route: { ...further.route, query } } as unknown as Operation;
    const documents = await generateDocuments([...operations, other]);
    const extended: Document = JSON.parse(documents['openapi.json']);
    expect(extended.components.parameters).toEqual(components.parameters);
    expect(extended.paths['/further']?.get?.parameters).toEqual([
      expect.objectContaining({ name: 'name', description: 'Another name.' }),
    ]);
  });
});

describe('its routes', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.drain());

  const files = [
    ['/openapi.json', 'application/json; charset=utf-8', 'openapi/openapi.json'],
    ['/openapi.yaml', 'application/yaml', 'openapi/openapi.yaml'],
    ['/docs/', 'text/html; charset=utf-8', 'openapi/swagger-ui/index.html'],
    ['/docs/static/page.css', 'text/css; charset=utf-8', 'openapi/swagger-ui/page.css'],
    ['/docs/static/page.js', 'text/javascript; charset=utf-8', 'openapi/swagger-ui/page.js'],
    ['/docs/static/swagger-ui.css', 'text/css; charset=utf-8', 'node_modules/swagger-ui-dist/swagger-ui.css'],
    [
      '/docs/static/swagger-ui-bundle.js',
      'text/javascript; charset=utf-8',
      'node_modules/swagger-ui-dist/swagger-ui-bundle.js',
    ],
  ] as const;

  it.each(files)('serve %s, as it is and compressed', async (path, type, file) => {
    const content = await readFile(new URL(`../../${file}`, import.meta.url));
    for (const [encoding, expected] of [
      ['gzip, deflate, br', 'gzip'],
      ['br', null],
      ['gzip;q=0, *', null],
      ['', null],
    ] as const) {
      const response = await fetch(service.urls.http + path, { headers: { 'accept-encoding': encoding } });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe(type);
      expect(response.headers.get('content-encoding')).toBe(expected);
      expect(response.headers.get('vary')).toBe('Accept-Encoding');
      expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
    }
  });

  it.each(files)(
    'answer 304 for %s to a client that has it already, in the encoding that it asks for',
    async (path) => {
      const at = (headers: Record<string, string>) => fetch(service.urls.http + path, { headers });
      const zipped = { 'accept-encoding': 'gzip' };
      const plain = { 'accept-encoding': 'identity' };
      const tags = [
        (await at(zipped)).headers.get('etag') ?? '',
        (await at(plain)).headers.get('etag') ?? '',
      ];
      expect(new Set(tags).size).toBe(2);
      for (const [index, encoding] of [zipped, plain].entries()) {
        const [own = '', other = ''] = index === 0 ? tags : tags.toReversed();
        for (const tag of [own, `W/${own}`, `"a", ${own}`, '*']) {
          const response = await at({ ...encoding, 'if-none-match': tag });
          expect(response.status).toBe(304);
          expect(await response.text()).toBe('');
          expect(response.headers.get('etag')).toBe(own);
        }
        expect((await at({ ...encoding, 'if-none-match': other })).status).toBe(200);
      }
    },
  );

  it('keep Origin in Vary where only some origins are allowed', async () => {
    const choosy = await startTestService({ CORS_ORIGINS: 'https://app.example.com' });
    const response = await fetch(`${choosy.urls.http}/openapi.json`);
    expect(response.headers.get('vary')).toBe('Origin, Accept-Encoding');
    await choosy.drain();
  });

  it.each(['/docs/', '/docs/static/swagger-ui-bundle.js'])(
    'load %s while the service drains',
    async (path) => {
      const draining = await startTestService();
      const socket = connect(Number(new URL(draining.urls.http).port), '127.0.0.1');
      socket.write(`GET ${path} HTTP/1.1\r\n`);
      await fetch(`${draining.urls.admin}/metrics`);
      const drained = draining.drain();
      socket.write('Host: greet\r\n\r\n');
      const [answer] = parseResponses(Buffer.concat(await socket.toArray()), false);
      expect(answer?.status).toBe(200);
      await drained;
    },
  );

  it.each(['/docs/', '/docs/static/swagger-ui-bundle.js'])(
    'end with a client that leaves %s unread',
    async (path) => {
      const draining = await startTestService({ SHUTDOWN_TIMEOUT_MS: '100' });
      const socket = connect(Number(new URL(draining.urls.http).port), '127.0.0.1').on('error', () => {});
      socket.pause().write(`GET ${path} HTTP/1.1\r\nHost: greet\r\n\r\n`);
      await fetch(`${draining.urls.admin}/metrics`);
      await draining.drain();
      socket.destroy();
      expect(draining.lines.filter(({ level }) => level === 'error')).toEqual([]);
    },
  );
});
