import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../../src/config/load-config.ts';
import { createAuthority } from '../../support/certificates.ts';

const authority = createAuthority('Test authority');
const pair = authority.issue('greet');
const other = authority.issue('other');
const passphrase = { cipher: 'aes-256-cbc', passphrase: 'secret' };
const locked = generateKeyPairSync('ec', {
  namedCurve: 'prime256v1',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', ...passphrase },
}).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;

describe('the TLS files in the configuration', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greet-tls-'));
    const files = {
      cert: pair.cert,
      chain: pair.cert + authority.cert,
      key: pair.key,
      both: pair.key + pair.cert,
      'other-key': other.key,
      'ed25519-key': ed25519,
      'locked-key': locked,
      ca: authority.cert,
      garbage: 'not PEM at all',
      empty: '',
      'half-cert': pair.cert.slice(0, 300),
      'half-chain': pair.cert + authority.cert.slice(0, 300),
      'half-key': pair.key.slice(0, 100),
      'bad-cert': `-----BEGIN CERTIFICATE-----\n${Buffer.from('x').toString('base64')}\n-----END CERTIFICATE-----\n`,
    };
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** All faults of a configuration with these files. */
  const faultsOf = (cert: string, key: string, clientCa = '', env: Record<string, string> = {}): string[] => {
    const locate = (name: string) => name && join(folder, name);
    try {
      loadConfig({
        TLS_CERT_FILE: locate(cert),
        TLS_KEY_FILE: locate(key),
        GRPC_TLS_CLIENT_CA_FILE: locate(clientCa),
        ...env,
      });
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as ConfigError).message.split('\n').slice(1);
    }
    return [];
  };

  it.each([
    ['no files', '', '', ''],
    ['a certificate and its key', 'cert', 'key', ''],
    ['a certificate with its chain', 'chain', 'key', ''],
    ['both in one file', 'both', 'both', ''],
    ["the clients' authority as well", 'cert', 'key', 'ca'],
  ])('may have %s', (_title, cert, key, clientCa) => {
    expect(faultsOf(cert, key, clientCa)).toEqual([]);
  });

  it.each<[string, [string, string, string?], RegExp]>([
    [
      'no key',
      ['cert', ''],
      /^ {2}TLS_KEY_FILE: expected the file of the private key, as TLS_CERT_FILE is set/,
    ],
    [
      'no certificate',
      ['', 'key'],
      /^ {2}TLS_CERT_FILE: expected the file of the certificate, as TLS_KEY_FILE/,
    ],
    [
      'only an authority',
      ['', '', 'ca'],
      /^ {2}GRPC_TLS_CLIENT_CA_FILE: expected TLS_CERT_FILE and TLS_KEY_FILE/,
    ],
    ['a missing certificate', ['nope', 'key'], /TLS_CERT_FILE: expected .*ENOENT.*; got ".*nope"$/],
    ['a folder', ['.', 'key'], /TLS_CERT_FILE: expected .*EISDIR/],
    [
      'garbage for a certificate',
      ['garbage', 'key'],
      /TLS_CERT_FILE: .*; there is no certificate in it; got/,
    ],
    [
      'an empty file for a certificate',
      ['empty', 'key'],
      /TLS_CERT_FILE: .*; there is no certificate in it; got/,
    ],
    ['half a certificate', ['half-cert', 'key'], /TLS_CERT_FILE: .*; it is cut short; got/],
    ['half a chain', ['half-chain', 'key'], /TLS_CERT_FILE: .*; it is cut short; got/],
    [
      'a certificate of random bytes',
      ['bad-cert', 'key'],
      /TLS_CERT_FILE: expected the file of the service's/,
    ],
    ['a missing key', ['cert', 'nope'], /TLS_KEY_FILE: expected .*ENOENT.*; got ".*nope"$/],
    ['garbage for a key', ['cert', 'garbage'], /TLS_KEY_FILE: expected the file of a private key in PEM/],
    ['half a key', ['cert', 'half-key'], /TLS_KEY_FILE: expected the file of a private key in PEM/],
    ['a key with a passphrase', ['cert', 'locked-key'], /TLS_KEY_FILE: .*without a passphrase/],
    [
      "another certificate's key",
      ['cert', 'other-key'],
      /TLS_KEY_FILE: .*whose subject is CN=greet; this key belongs to another certificate/,
    ],
    [
      'a key of another kind',
      ['cert', 'ed25519-key'],
      /TLS_KEY_FILE: .*whose subject is CN=greet; this key belongs to another certificate/,
    ],
    ['a missing authority', ['cert', 'key', 'nope'], /GRPC_TLS_CLIENT_CA_FILE: expected .*ENOENT/],
    [
      'garbage for an authority',
      ['cert', 'key', 'garbage'],
      /GRPC_TLS_CLIENT_CA_FILE: .*no certificate in it/,
    ],
  ])('may not have %s', (_title, [cert, key, clientCa], fault) => {
    expect(faultsOf(cert, key, clientCa)).toEqual([expect.stringMatching(fault)]);
  });

  it('are all reported at once, together with all other faults', () => {
    const faults = faultsOf('nope', 'garbage', 'empty', { PORT: 'x' });
    expect(faults.map((line) => line.trim().split(':')[0])).toEqual([
      'PORT',
      'TLS_CERT_FILE',
      'TLS_KEY_FILE',
      'GRPC_TLS_CLIENT_CA_FILE',
    ]);
  });

  it('are reported without any part of a private key', () => {
    const secret = pair.key.split('\n')[1] ?? '';
    for (const key of ['other-key', 'locked-key', 'half-key'])
      for (const line of faultsOf('cert', key)) expect(line).not.toContain(secret);
  });
});
