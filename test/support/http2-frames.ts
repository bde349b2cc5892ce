/** HTTP/2 frames (RFC 9113), for input that no HTTP/2 library would send. */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const types = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const flags = { endStream: 1, endHeaders: 4 } as const;

export function frame(
  type: number,
  {
    flag = 0,
    stream = 0,
    payload = Buffer.alloc(0),
  }: { flag?: number; stream?: number; payload?: Buffer } = {},
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flag, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A SETTINGS frame with one setting, by its identifier (RFC 9113, section 6.5.2). */
export function settings(id: number, value: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(id, 0);
  payload.writeUInt32BE(value, 2);
  return frame(types.settings, { payload });
}

/** A window of 0 bytes: the server may not send a response body. */
export const noWindow = settings(4, 0);

/** A literal header, added to the dynamic table if `isIndexed` (RFC 7541, section 6.2). */
export function header(name: string, value: string, { isIndexed = false } = {}): Buffer {
  return Buffer.concat([Buffer.from([isIndexed ? 0x40 : 0]), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const rest: number[] = [];
  let left = bytes.length - 127;
  for (; left >= 128; left >>= 7) rest.push((left % 128) + 128);
  return Buffer.concat([Buffer.from([127, ...rest, left]), bytes]);
}

export function callHeaders(path = '/greet.GreetService/Greet', ...more: Buffer[]): Buffer {
  return Buffer.concat([
    header(':method', 'POST'),
    header(':scheme', 'http'),
    header(':path', path),
    header(':authority', 'greet'),
    header('content-type', 'application/grpc'),
    header('te', 'trailers'),
    ...more,
  ]);
}

/** The HEADERS frame that begins the n-th call of a connection. */
export function begin(index: number, payload = callHeaders(), flag: number = flags.endHeaders): Buffer {
  return frame(types.headers, { flag, stream: 2 * index + 1, payload });
}

export function data(index: number, payload: Buffer, flag = 0): Buffer {
  return frame(types.data, { flag, stream: 2 * index + 1, payload });
}

export function reset(index: number): Buffer {
  return frame(types.reset, { stream: 2 * index + 1, payload: Buffer.from([0, 0, 0, 8]) });
}

/** A gRPC message with its prefix (gRPC over HTTP/2: Length-Prefixed-Message). */
export function message(bytes: Buffer, isCompressed = false): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(Number(isCompressed));
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

export const hello = message(Buffer.from('\u000a\u0007Mallory'));

/**
 * False if a frame of the wrong size after a connection error would end the process. That is a bug of nghttp2 before 1.68.1
 * (CVE-2026-27135), and no code above it can prevent it.
 */
export const isHttp2Sound = (() => {
  const [major = 0, minor = 0, patch = 0] = (process.versions.nghttp2 ?? '').split('.').map(Number);
  return major * 1e6 + minor * 1e3 + patch >= 1_068_001;
})();
