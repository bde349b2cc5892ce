import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const field = (type: string, id: number, rule?: 'repeated') => ({ type, id, ...(rule && { rule }) });

// The parts of trace_service.proto and trace.proto in opentelemetry/proto that the tests read, by field numbers.
const { Request } = protobuf.Root.fromJSON({
  nested: {
    Request: { fields: { resourceSpans: field('ResourceSpans', 1, 'repeated') } },
    ResourceSpans: {
      fields: { resource: field('Resource', 1), scopeSpans: field('ScopeSpans', 2, 'repeated') },
    },
    Resource: { fields: { attributes: field('KeyValue', 1, 'repeated') } },
    ScopeSpans: { fields: { spans: field('Span', 2, 'repeated') } },
    Span: {
      fields: {
        traceId: field('bytes', 1),
        spanId: field('bytes', 2),
        parentSpanId: field('bytes', 4),
        name: field('string', 5),
        kind: field('int32', 6),
        attributes: field('KeyValue', 9, 'repeated'),
        status: field('Status', 15),
      },
    },
    Status: { fields: { code: field('int32', 3) } },
    KeyValue: { fields: { key: field('string', 1), value: field('AnyValue', 2) } },
    AnyValue: {
      fields: { stringValue: field('string', 1), boolValue: field('bool', 2), intValue: field('int64', 3) },
    },
  },
}).nested as { Request: protobuf.Type };

type KeyValues = { key: string; value: Record<string, unknown> }[];

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 2 is SERVER. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  /** 2 is ERROR. */
  readonly status: number;
}

/** The response of a collector that rejects spans. */
export const rejection = 'these spans are not wanted';

/** An OTLP/HTTP receiver for protobuf and JSON. It keeps every span, or hangs or rejects them. */
export async function startReceiver({
  behaviour = 'accept',
}: {
  behaviour?: 'accept' | 'hang' | 'reject';
} = {}) {
  const spans: ReceivedSpan[] = [];
  const contentTypes: unknown[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (behaviour === 'hang') return;
      if (behaviour === 'reject') return response.writeHead(400).end(rejection);
      const type = request.headers['content-type'] ?? '';
      const body = Buffer.concat(chunks);
      contentTypes.push(type);
      spans.push(...(type === 'application/json' ? spansOf(JSON.parse(body.toString())) : decode(body)));
      response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    contentTypes,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const traceService: ServiceDefinition = {
  export: {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: decode,
    responseSerialize: () => Buffer.alloc(0),
    responseDeserialize: () => ({}),
  },
};

/** An OTLP/gRPC receiver. It keeps every span. */
export async function startGrpcReceiver() {
  const spans: ReceivedSpan[] = [];
  const server = new Server();
  server.addService(traceService, {
    export(call: { request: ReceivedSpan[] }, callback: (error: null, response: object) => void) {
      spans.push(...call.request);
      callback(null, {});
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { url: `http://127.0.0.1:${port}`, spans, close: () => server.forceShutdown() };
}

interface ExportRequest {
  resourceSpans?: {
    resource?: { attributes?: KeyValues };
    scopeSpans?: { spans?: Record<string, unknown>[] }[];
  }[];
}

function decode(body: Buffer): ReceivedSpan[] {
  return spansOf(Request.toObject(Request.decode(body), { longs: Number, bytes: Buffer }) as ExportRequest);
}

function spansOf({ resourceSpans = [] }: ExportRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans
      .flatMap(({ spans = [] }) => spans)
      .map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        name: String(span.name),
        kind: Number(span.kind),
        attributes: plain(span.attributes as KeyValues),
        resource: plain(resource?.attributes),
        status: (span.status as { code?: number } | undefined)?.code ?? 0,
      })),
  );
}

/** In JSON, the ids are already hexadecimal. */
function hex(bytes: unknown): string {
  if (typeof bytes === 'string') return bytes;
  return Buffer.from((bytes as Uint8Array | undefined) ?? []).toString('hex');
}

function plain(attributes: KeyValues = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
