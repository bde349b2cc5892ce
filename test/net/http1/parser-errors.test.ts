import { expect, it } from 'vitest';
import { describeRefused } from '../../../src/net/http1/parser-errors.ts';

const describePacket = (packet: string, bytesParsed = packet.length) =>
  describeRefused(
    Object.assign(new Error('refused'), { rawPacket: Buffer.from(packet, 'latin1'), bytesParsed }),
  );

const first = 'HEAD / HTTP/1.1\r\nHost: a\r\nOrigin: https://first.example\r\n\r\n';

it('takes the method and Origin of the request that was refused, not of the one before', () => {
  expect(describePacket(`${first}GET / HTTP/1.1\r\nX Y: b\r\nOrigin: https://b.example\r\n\r\n`)).toEqual({
    isHead: false,
    origin: 'https://b.example',
  });
  expect(describePacket(`${first}GET / HTTP/1.1\r\nX Y: b\r\n\r\n`)).toEqual({
    isHead: false,
    origin: undefined,
  });
});

it('does not take an Origin from behind the headers of the refused request', () => {
  const packet = `GET / HTTP/1.1\r\nX Y: b\r\n\r\n${first}`;
  expect(describePacket(packet, 20)).toEqual({ isHead: false, origin: undefined });
});

it('reads Origin in any case, without the white space around it, and joins several', () => {
  expect(describePacket('GET / HTTP/1.1\r\norigin:\t https://a.example \t\r\n\r\n').origin).toBe(
    'https://a.example',
  );
  expect(describePacket('GET / HTTP/1.1\r\nORIGIN: a\r\nOrigin: b\r\n\r\n').origin).toBe('a, b');
  expect(describePacket('GET /?Origin: a HTTP/1.1\r\nX-Origin: b\r\n\r\n').origin).toBeUndefined();
});

it('knows nothing without a packet', () => {
  expect(describeRefused(new Error('a timeout'))).toEqual({ isHead: false, origin: undefined });
});
