import type { ServerHttp2Stream } from 'node:http2';
import type { CallRefusalCode } from './refusal.ts';

/** Bytes before each message: a flag, and the length in four bytes (Length-Prefixed-Message). */
const prefixBytes = 5;

/** How much of a message has arrived, when it arrives in pieces. */
interface Progress {
  readonly prefix: number[];
  /** Bytes of the message that are missing, once its prefix is complete. */
  missing: number;
  isRefused: boolean;
}

const progressKey = Symbol('message in pieces');
type FramedStream = ServerHttp2Stream & { [progressKey]?: Progress };

/**
 * Checks the frames of the messages, after grpc-js has taken each chunk and before it decodes a message. grpc-js takes any flag but 1 for
 * "not compressed", ignores 1 if there is no encoding, and drops bytes behind the last message.
 *
 * @param refuse called with the stream when a frame is wrong.
 * @returns a listener for `data`, to be added after that of grpc-js. It is one function for all calls: a closure for each would cost more.
 */
export function checkFrames(
  isCompressed: (stream: ServerHttp2Stream) => boolean,
  refuse: (stream: ServerHttp2Stream, code: CallRefusalCode) => void,
): (this: ServerHttp2Stream, chunk: Buffer) => void {
  const read = (stream: FramedStream, chunk: Buffer): void => {
    const progress = stream[progressKey] ?? begin(stream);
    stream[progressKey] = progress;
    for (let at = 0; at < chunk.length && !progress.isRefused; ) {
      if (progress.missing > 0) {
        const taken = Math.min(progress.missing, chunk.length - at);
        progress.missing -= taken;
        at += taken;
        continue;
      }
      progress.prefix.push(chunk[at] as number);
      at += 1;
      if (progress.prefix.length < prefixBytes) continue;
      const [flag = 0, ...length] = progress.prefix.splice(0);
      progress.missing = Buffer.from(length).readUInt32BE();
      progress.isRefused = flag > 1 || (flag === 1 && !isCompressed(stream));
      if (progress.isRefused) refuse(stream, flag > 1 ? 'frame-malformed' : 'encoding-missing');
    }
  };
  const begin = (stream: FramedStream): Progress => {
    const progress: Progress = { prefix: [], missing: 0, isRefused: false };
    // The listener of grpc-js calls the service. It may only do so if no message was refused, and no part of one is left over.
    const listeners = stream.listeners('end');
    stream.removeAllListeners('end').once('end', () => {
      if (progress.isRefused) return;
      if (progress.missing > 0 || progress.prefix.length > 0) refuse(stream, 'frame-incomplete');
      else for (const listener of listeners) listener.call(stream);
    });
    return progress;
  };

  return function check(this: FramedStream, chunk) {
    if (this[progressKey] === undefined && isWhole(chunk)) return;
    read(this, chunk);
  };
}

/** The chunk is exactly one message, not compressed: so is almost every request. */
function isWhole(chunk: Buffer): boolean {
  return (
    chunk[0] === 0 && chunk.length >= prefixBytes && chunk.readUInt32BE(1) === chunk.length - prefixBytes
  );
}
