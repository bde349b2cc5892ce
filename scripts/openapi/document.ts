import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { type DescribedResponse, type ResponseHeader, responseHeaders } from '../../src/http/responses.ts';

/** A route with the schema that it gives to Fastify. */
export interface DescribedRoute {
  readonly method: string;
  readonly path: string;
  readonly schema: {
    readonly operationId: string;
    readonly tags: readonly string[];
    readonly summary: string;
    readonly description: string;
    readonly querystring?: z.ZodObject;
    readonly response: Readonly<Record<string, DescribedResponse>>;
  };
}

const tagDescriptions: Readonly<Record<string, string>> = {
  greeting: 'What the service is for.',
  health: 'For load balancers and orchestrators.',
};

function describeTag(name: string): string {
  const description = tagDescriptions[name];
  if (description === undefined)
    throw new Error(
      `The tag ${name} has no description. Add it to tagDescriptions in scripts/openapi/document.ts.`,
    );
  return description;
}

/**
 * Builds the OpenAPI document. A response, header, parameter or schema that several operations share is a component, so it is written once.
 */
export function buildDocument(routes: readonly DescribedRoute[], version: string) {
  const components = createComponents();
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, schema } of routes) {
    const { querystring, response, ...described } = schema;
    const parameters = Object.entries(querystring?.shape ?? {}).map(([name, type]) =>
      components.parameter(name, type as z.ZodType),
    );
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = {
      ...described,
      ...(parameters.length > 0 && { parameters }),
      responses: mapValues(response, components.response),
    };
  }
  const tags = [...new Set(routes.flatMap(({ schema }) => schema.tags))];
  return {
    openapi: '3.1.1',
    info: {
      title: 'greet',
      version,
      summary: 'The greeting microservice.',
      description:
        'Greets people by name, over HTTP and gRPC.\n\nEvery refusal is a problem as RFC 9457 defines it, ' +
        'and every answer carries the `X-Request-Id` under which it was logged.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Relative to this document, so that calls stay behind the same proxy and under the same prefix.
    servers: [{ url: '.', description: 'The service that serves this document.' }],
    // Stated explicitly: the service needs no authentication.
    security: [],
    tags: tags.map((name) => ({ name, description: describeTag(name) })),
    paths,
    components: components.sorted(),
  };
}

/** Collects components. Each function returns a reference to one, or the object itself. */
function createComponents() {
  const schemas: Record<string, unknown> = {};
  const parameters: Record<string, unknown> = {};
  const headers: Record<string, unknown> = {};
  const responses: Record<string, unknown> = {};

  const schemaOf = (type: z.ZodType, io: 'input' | 'output') => {
    const { $schema, $defs = {}, ...schema } = z.toJSONSchema(type, { io, override: admitMoreFields });
    Object.assign(schemas, pointAtComponents($defs));
    return pointAtComponents(schema);
  };
  const header = (name: ResponseHeader) => {
    const { description, example, isAlwaysSent = true }: Header = responseHeaders[name];
    const type = typeof example === 'number' ? 'integer' : 'string';
    headers[name] = { description, required: isAlwaysSent, schema: { type }, example };
    return refer('headers', name);
  };
  return {
    /** A component by its own name, unless another operation has a different parameter of that name. */
    parameter(name: string, type: z.ZodType) {
      const { description, ...schema } = schemaOf(type, 'input');
      const required = !type.safeParse(undefined).success;
      // Swagger UI fills it in.
      const example = schema.examples?.[0];
      const parameter = { name, in: 'query', required, description, schema, example };
      parameters[name] ??= parameter;
      return isDeepStrictEqual(parameters[name], parameter) ? refer('parameters', name) : parameter;
    },
    response({ component, description, headers: names, content }: DescribedResponse) {
      const response = {
        description,
        headers: Object.fromEntries(names.map((name) => [name, header(name)])),
        content: mapValues(content, ({ schema, example }) => ({
          schema: schemaOf(schema, 'output'),
          example,
        })),
      };
      if (component === undefined) return response;
      responses[component] = response;
      return refer('responses', component);
    },
    sorted: () => mapValues({ schemas, parameters, headers, responses }, sortKeys),
  };
}

interface Header {
  readonly description: string;
  readonly example: string | number;
  readonly isAlwaysSent?: boolean;
}

const refer = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

/** A later version may add fields to a response, so clients must accept unknown fields (for problems, see RFC 9457, section 3.2). */
function admitMoreFields({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

function pointAtComponents<Schema>(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

/** Sorts the names, so that their order does not depend on the order in which modules are loaded. */
function sortKeys(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)));
}
