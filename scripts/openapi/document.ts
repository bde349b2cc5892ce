import type { SwaggerOptions } from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';

const transformSchemas = createJsonSchemaTransform({});

/** The type provider keeps only the schemas of a response. This puts its headers and examples back. */
const transform: typeof transformSchemas = (route) => {
  const result = transformSchemas(route);
  const described = (route.schema?.response ?? {}) as Record<string, DescribedResponse>;
  const responses =
    (result.schema as { response?: Record<string, DescribedResponse> } | undefined)?.response ?? {};
  for (const [status, response] of Object.entries(responses)) {
    const { headers, content = {} } = described[status] ?? {};
    if (headers) response.headers = headers;
    for (const [type, { example }] of Object.entries(content)) {
      Object.assign(response.content?.[type] ?? {}, example === undefined ? {} : { example });
    }
  }
  return result;
};

interface DescribedResponse {
  headers?: unknown;
  content?: Record<string, { example?: unknown }>;
}

const transformComponents = createJsonSchemaTransformObject({});

/**
 * Drops schemas that no operation refers to: each named schema is registered twice, as input and as output. Sorts the others by name: the
 * registry has them in the order in which modules were loaded.
 */
const transformObject: typeof transformComponents = (document) => {
  const result = transformComponents(document);
  const { components } = result as { components?: { schemas?: Record<string, object> } };
  const text = JSON.stringify(result);
  const used = Object.entries(components?.schemas ?? {})
    .filter(([name]) => text.includes(`"#/components/schemas/${name}"`))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  if (components?.schemas) components.schemas = Object.fromEntries(used);
  return result;
};

/** The options of @fastify/swagger: the document is made from the schemas of the routes. */
export function openApiOptions(version: string): SwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'greet',
        version,
        summary: 'The greeting microservice.',
        description:
          'Greets people by name, over HTTP and gRPC.\n\nEvery refusal is a problem as RFC 9457 defines it, ' +
          'and every answer carries the `X-Request-Id` under which it was logged.',
        license: { name: 'MIT', identifier: 'MIT' },
      } as { title: string; version: string },
      servers: [{ url: '/', description: 'The service that serves this document.' }],
      // Stated explicitly: the service needs no authentication.
      security: [],
      tags: [
        { name: 'greeting', description: 'What the service is for.' },
        { name: 'health', description: 'For load balancers and orchestrators.' },
      ],
    },
    transform,
    transformObject,
  };
}
