import { fromBinary, toJson } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { encodeRichStatus } from '../../../src/net/grpc/rich-status.ts';
import { messageType, registry } from '../../support/proto.ts';

const read = (bytes: Buffer) => {
  const type = messageType('google.rpc.Status');
  return toJson(type, fromBinary(type, bytes), { registry });
};

it('encodes what another implementation reads as google.rpc.BadRequest', () => {
  const fieldViolations = [
    { field: 'message', description: 'is required' },
    { field: 'other', description: 'é' },
  ];
  expect(read(encodeRichStatus(3, 'bad', { fieldViolations }))).toEqual({
    code: 3,
    message: 'bad',
    details: [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations }],
  });
});

it('encodes what another implementation reads as google.rpc.RetryInfo', () => {
  expect(read(encodeRichStatus(8, 'later', { retryAfterSeconds: 17 }))).toEqual({
    code: 8,
    message: 'later',
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '17s' }],
  });
});
