import { readFileSync } from 'node:fs';
import { METHODS } from 'node:http';
import Ajv from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { fuzz, literal } from '../support/fuzz.ts';
import { FuzzTarget } from '../support/fuzz-target.ts';
import { parseResponses, type Response } from '../support/http1-parser.ts';
import { sendInPieces } from '../support/send-in-pieces.ts';

interface Media {
  readonly schema: object;
}
interface Described {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly content?: Readonly<Record<string, Media>>;
}
interface Operation {
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly schema: { readonly pattern?: string };
  }[];
  readonly responses: Readonly<Record<string, Described>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const text = readFileSync(new URL('../../openapi/openapi.json', import.meta.url), 'utf8');
const document = resolveReferences(JSON.parse(text)) as Document;

/** Replaces references to shared parameters, responses and headers by their content. The validator resolves those to schemas. */
function resolveReferences(root: object): unknown {
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const { $ref } = value as { readonly $ref?: string };
    if ($ref !== undefined && !$ref.startsWith('#/components/schemas/')) {
      const path = $ref.slice('#/'.length).split('/');
      return resolve(path.reduce<unknown>((parent, key) => (parent as Record<string, unknown>)[key], root));
    }
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, resolve(child)]));
  };
  return resolve(root);
}
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

const ajv = new Ajv.default({ strict: false, allErrors: true });
ajv.addSchema({ $id: 'document', ...JSON.parse(text) });
const validators = new Map<object, ReturnType<typeof ajv.compile>>();
function validatorOf(schema: object) {
  const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'));
  const validator = validators.get(schema) ?? ajv.compile(absolute);
  validators.set(schema, validator);
  return validator;
}

/** Checks that the operation describes this response: status, media type, headers and body. */
function expectDescribed(
  { responses }: Operation,
  { status, headers, body }: Response,
  isHead: boolean,
): void {
  const described = responses[status] ?? responses.default;
  if (described === undefined) throw new Error(`${status} is not described`);
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const media = described.content?.[type];
  if (media === undefined) throw new Error(`${status} is not described as "${type}"`);
  for (const name of Object.keys(described.headers ?? {})) {
    const isConditional = described.headers?.[name]?.required === false;
    if (!isConditional) expect(headers, `${status} without ${name}`).toHaveProperty(name.toLowerCase());
  }
  if (isHead) {
    expect(body).toBe('');
    return;
  }
  const validate = validatorOf(media.schema);
  const value = type.endsWith('json') ? JSON.parse(body) : body;
  expect(validate(value), `${body}: ${ajv.errorsText(validate.errors)}`).toBe(true);
}

const token = fc.constantFrom(
  ...METHODS.filter((method) => method !== 'CONNECT'),
  'BREW',
  'get',
  'A'.repeat(50),
);
const values = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 120 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 110 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(
        fc.constantFrom(
          'a',
          ' ',
          '\n',
          '\u0000',
          '\u0085',
          '\u2028',
          '\u202e',
          '\ufeff',
          '😀',
          '\u200d',
          '%',
          '+',
          '&',
          '=',
          '#',
          ';',
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.integer({ min: 95, max: 105 }).map((count) => '😀'.repeat(count)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'null',
      '0',
      '-1',
      '1e400',
      'true',
      '[]',
      '{}',
      '{"a":1}',
      'undefined',
      'NaN',
      '__proto__',
      "' OR 1=1 --",
      '../../etc/passwd',
      '<script>',
    ),
  },
);

/** How a value in a query is escaped: all bytes, only those that must be, or as in a form. */
type Escaping = 'all' | 'little' | 'form';
function escaped(value: string, how: Escaping): string {
  const encoded = encodeURIComponent(value.toWellFormed());
  if (how === 'form') return encoded.replaceAll('%20', '+');
  if (how === 'little')
    return encoded
      .replaceAll('%3D', '=')
      .replaceAll('%2F', '/')
      .replaceAll('%3B', ';')
      .replaceAll('%3A', ':');
  return [...Buffer.from(value.toWellFormed())]
    .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
    .join('');
}

const mediaTypes = [
  '*/*',
  'text/plain',
  'application/json',
  'text/*',
  'application/problem+json',
  'text/html',
  'text/plain;q=0',
  'application/json;q=0.5',
  '*/*;q=0',
  ';',
  'a',
  ',,',
  'application/json; charset=utf-16',
];
const printable = fc.string({ maxLength: 80 }).map((value) => value.replace(/[^ -~]/g, '~').trim());
const bytes = fc.uint8Array({ maxLength: 40 }).map((list) =>
  Buffer.from(list)
    .toString('latin1')
    .replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, '~')
    .trim(),
);
const headers = fc.array(
  fc.oneof(
    fc.tuple(
      fc.constant('Accept'),
      fc
        .array(fc.constantFrom(...mediaTypes), { minLength: 1, maxLength: 3 })
        .map((types) => types.join(', ')),
    ),
    fc.tuple(
      fc.constantFrom(
        'Accept',
        'Accept-Charset',
        'Accept-Encoding',
        'Accept-Language',
        'Accept-Version',
        'Access-Control-Request-Method',
        'Access-Control-Request-Headers',
        'Authorization',
        'Cache-Control',
        'Content-Encoding',
        'Content-Type',
        'Cookie',
        'Forwarded',
        'If-Match',
        'If-Modified-Since',
        'If-None-Match',
        'Origin',
        'Range',
        'Referer',
        'TE',
        'Trailer',
        'Upgrade',
        'User-Agent',
        'X-Forwarded-For',
        'X-HTTP-Method-Override',
        'X-Request-Id',
        'traceparent',
        'tracestate',
        '__proto__',
      ),
      fc.oneof(printable, bytes),
    ),
  ),
  { maxLength: 5 },
);

interface Case {
  readonly operation: (typeof operations)[number];
  readonly method: string;
  readonly query: readonly (readonly [name: string, value: string, how: Escaping])[];
  /** Appended to the query without escaping. */
  readonly tail: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

const cases = fc.constantFrom(...operations).chain((operation) => {
  const parameters = operation.operation.parameters?.filter((parameter) => parameter.in === 'query') ?? [];
  const one = (name: string, pattern: string | undefined) =>
    fc.tuple(
      fc.oneof(
        { weight: 12, arbitrary: fc.constant(name) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            `${name}[]`,
            `${name}[a]`,
            `${name}.a`,
            name.toUpperCase(),
            `${name} `,
            '__proto__',
            '',
          ),
        },
      ),
      pattern === undefined
        ? values
        : fc.oneof(
            { weight: 3, arbitrary: fc.stringMatching(new RegExp(pattern, 'u')) },
            { weight: 4, arbitrary: values },
          ),
      fc.constantFrom<Escaping>('all', 'little', 'form'),
    );
  const query = fc.tuple(
    ...parameters.map(({ name, schema }) =>
      fc.oneof(
        { weight: 12, arbitrary: fc.array(one(name, schema.pattern), { minLength: 1, maxLength: 1 }) },
        { weight: 1, arbitrary: fc.array(one(name, schema.pattern), { maxLength: 3 }) },
      ),
    ),
    fc.array(one('other', undefined), { maxLength: 1 }),
  );
  return fc.record<Case>({
    operation: fc.constant(operation),
    method: fc.oneof(
      { weight: 5, arbitrary: fc.constant(operation.method) },
      { weight: 1, arbitrary: token },
    ),
    query: query.map((lists) => lists.flat()),
    tail: fc.oneof(
      { weight: 15, arbitrary: fc.constant('') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '&name=%',
          '&name=%ff',
          '&%c0%af=1',
          '&'.repeat(2_000),
          `&x=${'a'.repeat(4_100)}`,
          '&=',
          '&&',
          ';',
          `&name=%ed%a0%80`,
        ),
      },
    ),
    headers,
    body: fc.oneof(
      { weight: 6, arbitrary: fc.constant('') },
      {
        weight: 1,
        arbitrary: fc.constantFrom('{}', '{"name":"Bob"}', 'name=Bob', '\u0000', 'a'.repeat(2_000)),
      },
    ),
  });
});

function targetOf({ operation, query, tail }: Case): string {
  const pairs = query
    .map(([name, value, how]) => `${encodeURIComponent(name)}=${escaped(value, how)}`)
    .join('&');
  return `${operation.path}?${pairs}${tail}`;
}

function requestOf(sample: Case): Buffer {
  const lines = [
    `${sample.method} ${targetOf(sample)} HTTP/1.1`,
    'Host: greet',
    'Connection: close',
    ...sample.headers.map(([name, value]) => `${name}: ${value}`),
    ...(sample.body === '' ? [] : [`Content-Length: ${Buffer.byteLength(sample.body, 'latin1')}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${sample.body}`, 'latin1');
}

/** Judges the parameters by the document: good, bad, or unknown if another part of the request is wrong. */
function judge({ operation, query, tail }: Case): 'good' | 'bad' | 'unknown' {
  if (tail !== '') return 'unknown';
  for (const { name, schema } of operation.operation.parameters ?? []) {
    const given = query.filter(([key]) => key === name).map(([, value]) => value.toWellFormed());
    if (given.length !== 1) return 'bad';
    if (!new RegExp(schema.pattern ?? '', 'u').test(given[0] ?? '')) return 'bad';
  }
  return 'good';
}

const target = new FuzzTarget();
afterAll(() => target.dispose());

function expectAsDocumented(sample: Case, answer: Response): void {
  const {
    operation,
    method,
    operation: { operation: described },
  } = sample;
  const { status } = answer;
  expect(status).toBeLessThan(method === operation.method ? 500 : 502);
  const isHead = method === 'HEAD';
  if (method !== operation.method && !isHead) {
    if (status === 405) expect(answer.headers.allow).toContain(operation.method);
    if (method === 'OPTIONS' && status === 204) return;
    expect([400, 405, 414, 431, 501]).toContain(status);
  }
  expectDescribed(described, answer, isHead);
  if (method !== operation.method || targetOf(sample).length > 4_096 || requestOf(sample).length > 8_000)
    return;
  const verdict = judge(sample);
  if (verdict === 'good') expect([200, 406]).toContain(status);
  if (verdict === 'bad') expect(status).toBe(400);
  const accepts = sample.headers.filter(([name]) => name === 'Accept');
  if (verdict === 'good' && accepts.length === 0) expect(status).toBe(200);
  if (status === 200 && operation.path === '/greet') {
    const name = sample.query.find(([key]) => key === 'name')?.[1].toWellFormed() ?? '';
    const isJson = answer.headers['content-type']?.startsWith('application/json');
    if (verdict === 'good')
      expect(isJson ? JSON.parse(answer.body).message : answer.body).toBe(`Hello, ${name.trim()}`);
  }
}

describe('HTTP, by its document', () => {
  it('gives only responses that the document describes, to valid and to invalid requests', async () => {
    const tell = (samples: readonly Case[]) => samples.map((sample) => literal(requestOf(sample))).join('\n');
    const batches = fc.array(cases, { minLength: 1, maxLength: 40 });
    await fuzz('gives only responses that', batches, tell, async (samples) => {
      const { urls } = await target.up();
      const how = { cuts: [], pauseMs: 0, end: 'finish' } as const;
      const received = await Promise.all(
        samples.map((sample) => sendInPieces(urls.http, { bytes: requestOf(sample), ...how })),
      );
      for (const [index, bytes] of received.entries()) {
        const sample = samples[index] as Case;
        const [answer] = parseResponses(bytes, sample.method === 'HEAD');
        if (answer === undefined) throw new Error(`No answer came to ${literal(requestOf(sample))}`);
        expectAsDocumented(sample, answer);
      }
      await target.expectUnharmed();
    });
  });

  it('has released everything', () => target.expectAtRest(), 60_000);
});
