import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

type KeyType = 'ec' | 'rsa';

/** A certificate and its key, both in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Pair {
  /** Signs a certificate for localhost and the loopback addresses. */
  issue(
    name: string,
    options?: { readonly validFrom?: Date; readonly validTo?: Date; readonly keyType?: KeyType },
  ): Pair;
}

const day = 86_400_000;

/** A certificate authority (X.509, RFC 5280). Its certificates are made while the tests run, so that no private key is committed. */
export function createAuthority(name: string): Authority {
  const keys = generateKeys();
  const isAuthority = extension('551d13', sequence(boolean(true)), true);
  const cert = sign(
    { subject: name, issuer: name, publicKey: keys.publicKey, extensions: [isAuthority] },
    keys,
  );
  return {
    cert,
    key: toPem(keys.privateKey),
    issue(subject, { validFrom, validTo, keyType } = {}) {
      const own = generateKeys(keyType);
      const isNoAuthority = extension('551d13', sequence(), true);
      const names = extension('551d11', sequence(altName('localhost'), altName('127.0.0.1'), altName('::1')));
      const extensions = [isNoAuthority, names];
      const fields = { subject, issuer: name, publicKey: own.publicKey, extensions, validFrom, validTo };
      return { cert: sign(fields, keys), key: toPem(own.privateKey) };
    },
  };
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function generateKeys(type: KeyType = 'ec'): Keys {
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function toPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

interface CertificateFields {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly validFrom?: Date | undefined;
  readonly validTo?: Date | undefined;
}

function sign(fields: CertificateFields, { privateKey }: Keys): string {
  const { subject, issuer, publicKey, extensions } = fields;
  const { validFrom = new Date(Date.now() - day), validTo = new Date(Date.now() + day) } = fields;
  const algorithm = sequence(objectId('2a8648ce3d040302')); // ecdsa-with-SHA256
  const tbs = sequence(
    tag(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuer),
    sequence(time(validFrom), time(validTo)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tag(0xa3, sequence(...extensions)),
  );
  const signature = createSign('sha256').update(tbs).sign(privateKey);
  const bytes = sequence(tbs, algorithm, tag(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

// DER (ITU-T X.690): each value follows its tag and its length.
function tag(kind: number, content: Buffer): Buffer {
  const { length } = content;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, Math.floor(length / 256), length % 256];
  return Buffer.concat([Buffer.from([kind, ...head]), content]);
}

const sequence = (...items: Buffer[]) => tag(0x30, Buffer.concat(items));
const integer = (bytes: Buffer) => tag(0x02, bytes);
const boolean = (value: boolean) => tag(0x01, Buffer.from([value ? 0xff : 0]));
const objectId = (hex: string) => tag(0x06, Buffer.from(hex, 'hex'));
const time = (at: Date) => tag(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));

function distinguishedName(commonName: string): Buffer {
  return sequence(tag(0x31, sequence(objectId('550403'), tag(0x0c, Buffer.from(commonName)))));
}

function extension(hexId: string, value: Buffer, isCritical = false): Buffer {
  return sequence(objectId(hexId), ...(isCritical ? [boolean(true)] : []), tag(0x04, value));
}

function altName(name: string): Buffer {
  if (name === '127.0.0.1') return tag(0x87, Buffer.from([127, 0, 0, 1]));
  if (name === '::1') return tag(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])]));
  return tag(0x82, Buffer.from(name));
}
