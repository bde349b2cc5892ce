import { STATUS_CODES } from 'node:http';
import type { SwaggerOptions } from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import * as z from 'zod';
import { type ProblemDetails, problemMediaType, problemSchema } from './problem.ts';

/** A response header, described. */
export function header(description: string, example: string) {
  return { type: 'string', description, example } as const;
}

/** A body of plain text, described. */
export function textBody(description: string) {
  return z.string().meta({ description });
}

const exampleId = '5f3c9a1e77b04d22-1z';

export const requestIdHeader = {
  'X-Request-Id': header(
    "The request's id: the caller's own where it is acceptable, and otherwise a new one.",
    exampleId,
  ),
} as const;

export const noStoreHeader = {
  'Cache-Control': header(
    'Always no-store: the answer is for this request alone, and carries its id.',
    'no-store',
  ),
} as const;

type Example = Pick<ProblemDetails, 'detail' | 'errors'>;

/** A response that is a problem, with an example of it. */
export function problemResponse(status: number, description: string, example: Example, headers = {}) {
  const { detail, ...rest } = example;
  const value: ProblemDetails = {
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    requestId: exampleId,
    ...rest,
  };
  return {
    description,
    headers: { ...requestIdHeader, ...noStoreHeader, ...headers },
    content: { [problemMediaType]: { schema: problemSchema, example: value } },
  };
}

const otherProblem = problemResponse(
  500,
  'Any other problem: a fault in the HTTP request, or in the service.',
  {
    detail: 'The service failed to answer. The cause is in its log, under this request id.',
  },
);

/** What any operation may refuse before its own code is reached. */
export const requestProblems = {
  400: problemResponse(400, 'The HTTP request is not valid.', {
    detail: 'The request is not valid HTTP/1.1.',
  }),
  408: problemResponse(408, 'The request took too long to arrive.', {
    detail: 'The request did not arrive in time.',
  }),
  414: problemResponse(414, 'The request target is too long.', {
    detail: 'The request target must have at most 4096 bytes.',
  }),
  417: problemResponse(417, 'The client expects what is not offered.', {
    detail: 'The only expectation met is 100-continue.',
  }),
  431: problemResponse(431, 'The request line and headers are too long.', {
    detail: 'The request line and headers must have at most 8192 bytes together.',
  }),
  501: problemResponse(501, 'The method or the transfer coding is not known.', {
    detail: 'The only transfer coding understood is chunked.',
  }),
  default: otherProblem,
} as const;

const transformSchemas = createJsonSchemaTransform({});

/** The type provider keeps a response's schemas and drops the rest: headers and examples are put back. */
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
 * Every named schema is registered twice, as input and as output: what no operation refers to is dropped. The others are in the
 * order of their names, as the registry has them in the order in which modules were loaded.
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

/** How the OpenAPI document is made from the routes' own schemas. */
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
      // Greeting is open to everyone: said, so that nobody wonders.
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
