/** Stands for a request whose bytes are not the message that they should be. A handler answers it as it answers other bad input. */
export class Malformed {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The decoder as grpc-js needs it: after an exception the library would answer INTERNAL, as if the service had failed. */
export function orMalformed<Message>(
  decode: (bytes: Buffer) => Message,
): (bytes: Buffer) => Message | Malformed {
  return (bytes) => {
    try {
      return decode(bytes);
    } catch (error) {
      return new Malformed(error instanceof Error ? error.message : 'it has another form');
    }
  };
}
