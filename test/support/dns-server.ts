import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

/** The time to live that Docker's DNS server sets. A client that respects it does not ask again for ten minutes. */
const ttlSeconds = 600;
const types: Readonly<Record<number, 'A' | 'AAAA'>> = { 1: 'A', 28: 'AAAA' };
const nameError = 3;

/**
 * A DNS server like Docker's: it knows a few names, whose addresses can be changed at any time, and returns the addresses in another order
 * each time. All other names do not exist.
 */
export class DnsServer {
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #socket: Socket = createSocket('udp4');
  #answers = 0;
  /** If true, it receives questions and does not respond. */
  isSilent = false;

  /** @throws the system's error, such as EADDRINUSE. */
  async listen(address: string, port: number): Promise<void> {
    this.#socket.on('message', (query, { address: client, port: clientPort }) => {
      if (this.isSilent) return;
      this.#socket.send(this.#answer(query), clientPort, client, () => {});
    });
    this.#socket.bind(port, address);
    await once(this.#socket, 'listening');
  }

  set(name: string, addresses: readonly string[]): void {
    this.#addresses.set(name, addresses);
  }

  /** RFC 1035, section 4: the header, the unchanged question, and one record for each address. */
  #answer(query: Buffer): Buffer {
    const question = readQuestion(query);
    const all = this.#addresses.get(question.name);
    this.#answers += 1;
    const found = rotate(all ?? [], this.#answers).filter(
      (address) => (isIPv4(address) ? 'A' : 'AAAA') === question.type,
    );
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // The flags of a response. Recursion is offered if the question asked for it.
    header.writeUInt16BE(0x8080 | (query.readUInt16BE(2) & 0x0100) | (all?.length ? 0 : nameError), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    return Buffer.concat([header, question.bytes, ...found.map(encodeRecord)]);
  }
}

interface Question {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | undefined;
  readonly bytes: Buffer;
}

function readQuestion(query: Buffer): Question {
  const labels: string[] = [];
  let offset = 12;
  for (let length = query.readUInt8(offset); length > 0; length = query.readUInt8(offset)) {
    labels.push(query.toString('latin1', offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  return {
    name: labels.join('.').toLowerCase(),
    type: types[query.readUInt16BE(offset + 1)],
    bytes: query.subarray(12, offset + 5),
  };
}

function encodeRecord(address: string): Buffer {
  const data = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : encodeIPv6(address);
  const record = Buffer.alloc(12);
  // The name is a pointer to the question, at offset 12.
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(data.length === 4 ? 1 : 28, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(ttlSeconds, 6);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat([record, data]);
}

function encodeIPv6(address: string): Buffer {
  const [before = '', after] = address.split('::').map((part) => part.split(':').filter(Boolean)) as [
    string[],
    string[]?,
  ];
  const middle = after ? Array.from({ length: 8 - before.length - after.length }, () => '0') : [];
  const groups = [...before, ...middle, ...(after ?? [])];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function rotate<Item>(items: readonly Item[], by: number): Item[] {
  const start = items.length ? by % items.length : 0;
  return [...items.slice(start), ...items.slice(0, start)];
}
