import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

export interface TlsFiles {
  /** The service's certificate in PEM, followed by the chain to its authority. */
  readonly certFile: string;
  /** The private key in PEM, without a passphrase. */
  readonly keyFile: string;
  /** The authorities of client certificates, in PEM. With it, every gRPC client needs a certificate. */
  readonly clientCaFile: string | undefined;
}

/** The content of each file, or the error of reading it. */
export interface TlsContents {
  readonly cert: Buffer | Error;
  readonly key: Buffer | Error;
  readonly clientCa: Buffer | Error | undefined;
}

/** Files that are valid and match each other. */
export interface Credentials {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
  /** The service's own certificate, the first of its chain. */
  readonly leaf: X509Certificate;
}

/** What is wrong with one of the files. `reason` is the message of OpenSSL or the system, the subject of the certificate, or its validity. */
export interface TlsFault {
  readonly file: keyof TlsContents;
  readonly code:
    | 'not-certificates'
    | 'not-a-key'
    | 'key-mismatch'
    | 'refused-by-openssl'
    | 'outside-validity';
  readonly reason: string;
}

export function readTlsFilesSync({ certFile, keyFile, clientCaFile }: TlsFiles): TlsContents {
  const read = (path: string): Buffer | Error => {
    try {
      return readFileSync(path);
    } catch (error) {
      return error as Error;
    }
  };
  return {
    cert: read(certFile),
    key: read(keyFile),
    clientCa: clientCaFile ? read(clientCaFile) : undefined,
  };
}

export async function readTlsFiles({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<TlsContents> {
  const read = (path: string): Promise<Buffer | Error> => readFile(path).catch((error: Error) => error);
  const [cert, key, clientCa] = await Promise.all([
    read(certFile),
    read(keyFile),
    clientCaFile ? read(clientCaFile) : undefined,
  ]);
  return { cert, key, clientCa };
}

/** The credentials in the files, or every fault. */
export function checkTls({ cert, key, clientCa }: TlsContents): Credentials | readonly TlsFault[] {
  const faults: TlsFault[] = [];
  const attempt = <Result>(
    file: keyof TlsContents,
    code: TlsFault['code'],
    bytes: Buffer | Error | undefined,
    parse: (bytes: Buffer) => Result,
  ): Result | undefined => {
    try {
      if (bytes instanceof Error) throw bytes;
      return bytes && parse(bytes);
    } catch (error) {
      faults.push({ file, code, reason: (error as Error).message });
      return undefined;
    }
  };

  const chain = attempt('cert', 'not-certificates', cert, parseCertificates);
  const privateKey = attempt('key', 'not-a-key', key, (bytes) => createPrivateKey(bytes));
  attempt('clientCa', 'not-certificates', clientCa, parseCertificates);
  const leaf = chain?.[0];
  if (leaf && privateKey && !leaf.checkPrivateKey(privateKey))
    faults.push({ file: 'key', code: 'key-mismatch', reason: subjectOf(leaf) });
  // Only OpenSSL finds some faults, such as keys that are too short to be safe.
  if (faults.length === 0)
    attempt('cert', 'refused-by-openssl', cert, () =>
      createSecureContext(secureContextOptions({ cert, key, clientCa } as Credentials)),
    );
  if (faults.length > 0) return faults;
  return { cert, key, clientCa, leaf } as Credentials;
}

export function isFaulty(checked: Credentials | readonly TlsFault[]): checked is readonly TlsFault[] {
  return Array.isArray(checked);
}

/** The options of a secure context, without the client authorities, which only gRPC uses. */
export function secureContextOptions({ cert, key }: Pick<Credentials, 'cert' | 'key'>) {
  return {
    cert,
    key,
    // RFC 8996 forbids older versions.
    minVersion: 'TLSv1.2',
    // RFC 9325, section 4.2: only forward secrecy and AEAD. Names with TLS_ are those of TLS 1.3.
    ciphers: [
      'TLS_AES_256_GCM_SHA384',
      'TLS_CHACHA20_POLY1305_SHA256',
      'TLS_AES_128_GCM_SHA256',
      'ECDHE+AESGCM',
      'ECDHE+CHACHA20',
    ].join(':'),
    honorCipherOrder: true,
  } as const;
}

/** A certificate's subject in one line. */
export function subjectOf({ subject, subjectAltName }: X509Certificate): string {
  return (subject || subjectAltName || 'empty').replaceAll('\n', ', ');
}

/** All certificates of the file. A truncated file is an error: its chain would be served without its end. */
function parseCertificates(bytes: Buffer): readonly X509Certificate[] {
  const text = bytes.toString('latin1');
  const begun = text.split('-----BEGIN CERTIFICATE-----').length - 1;
  const whole = text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  if (begun === 0) throw new Error('there is no certificate in it');
  if (begun !== whole.length) throw new Error('it is cut short');
  return whole.map((pem) => new X509Certificate(pem));
}
