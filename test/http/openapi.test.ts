import { readFile } from 'node:fs/promises';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { generateDocuments } from '../../scripts/openapi/generate.ts';
import { namePattern } from '../../src/greeting/name.ts';
import { startTestService, type TestService } from '../support/service.ts';

const committed = (name: string) => readFile(new URL(`../../openapi/${name}`, import.meta.url), 'utf8');

interface Described {
  description?: string;
}
interface Media {
  schema: { $ref?: string };
  example?: unknown;
}
interface Document {
  openapi: string;
  paths: Record<
    string,
    Record<
      string,
      Described & {
        operationId: string;
        summary: string;
        parameters?: (Described & { name: string; schema: { pattern?: string }; examples?: object })[];
        responses: Record<
          string,
          Described & { headers?: Record<string, Described>; content: Record<string, Media> }
        >;
      }
    >
  >;
  components: { schemas: Record<string, Described> };
}

describe('the OpenAPI document', () => {
  it('is committed as the schemas make it; run `npm run openapi` if it is not', async () => {
    for (const [name, text] of Object.entries(await generateDocuments()))
      expect(await committed(name)).toBe(text);
  });

  it('is the same as JSON and as YAML', async () => {
    expect(parse(await committed('openapi.yaml'))).toEqual(JSON.parse(await committed('openapi.json')));
  });

  it('describes every operation, parameter, response, header and component, with examples', async () => {
    const document: Document = JSON.parse(await committed('openapi.json'));
    expect(document.openapi).toBe('3.1.1');
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(operations.map(({ operationId }) => operationId)).toEqual([
      'greet',
      'getLiveness',
      'getReadiness',
    ]);
    for (const { summary, description, parameters = [], responses } of operations) {
      expect(summary).toBeTruthy();
      expect(description).toBeTruthy();
      for (const parameter of parameters) {
        expect(parameter.description).toBeTruthy();
        expect(Object.keys(parameter.examples ?? {})).not.toEqual([]);
      }
      for (const response of Object.values(responses)) {
        expect(response.description).not.toBe('Default Response');
        expect(response.headers).toHaveProperty('X-Request-Id');
        for (const one of Object.values(response.headers ?? {})) expect(one.description).toBeTruthy();
        for (const media of Object.values(response.content)) expect(media.example).toBeDefined();
      }
    }
    for (const schema of Object.values(document.components.schemas)) expect(schema.description).toBeTruthy();
  });

  it('has no component that nothing refers to', async () => {
    const text = await committed('openapi.json');
    const { components }: Document = JSON.parse(text);
    for (const name of Object.keys(components.schemas))
      expect(text).toContain(`"#/components/schemas/${name}"`);
  });

  it('gives the name by the pattern that the tests of the name hold equal to the schema', async () => {
    const document: Document = JSON.parse(await committed('openapi.json'));
    const parameters = document.paths['/greet']?.get?.parameters;
    expect(parameters?.map(({ name }) => name)).toEqual(['name']);
    expect(parameters?.[0]?.schema.pattern).toBe(namePattern);
  });
});

describe('its routes', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.drain());

  it.each([
    ['/openapi.json', 'application/json; charset=utf-8', 'openapi.json'],
    ['/openapi.yaml', 'application/yaml', 'openapi.yaml'],
  ])('serve %s', async (path, type, file) => {
    const response = await fetch(service.urls.http + path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(await response.text()).toBe(await committed(file));
  });

  it.each(['/docs', '/docs/'])('serve Swagger UI at %s under a policy of its own', async (path) => {
    const response = await request(service.urls.http).get(path);
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(response.headers['content-security-policy']).toContain("default-src 'none'");
    expect(response.headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    expect(response.text).toContain('swagger-ui');
  });
});
