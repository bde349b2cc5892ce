import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

/** Where the files are. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Those who sign the certificates of gRPC's clients: with it, a client must have one. */
  readonly clientCaFile: string | undefined;
}

/** What is in each file, or why it cannot be read. */
export interface TlsContents {
  readonly cert: Buffer | Error;
  readonly key: Buffer | Error;
  readonly clientCa: Buffer | Error | undefined;
}

/** Files that have been read, are what they should be, and fit each other. */
export interface Credentials {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
  /** The service's own certificate, the first of its chain. */
  readonly leaf: X509Certificate;
}

const variables = {
  cert: 'TLS_CERT_FILE',
  key: 'TLS_KEY_FILE',
  clientCa: 'GRPC_TLS_CLIENT_CA_FILE',
} as const satisfies Record<keyof TlsContents, string>;

export interface TlsFault {
  readonly variable: (typeof variables)[keyof TlsContents];
  readonly message: string;
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

/** The credentials in the files, or every fault there is, in words that follow the variable's name. */
export function checkTls({ cert, key, clientCa }: TlsContents): Credentials | readonly TlsFault[] {
  const faults: TlsFault[] = [];
  const attempt = <Result>(
    what: keyof TlsContents,
    expected: string,
    bytes: Buffer | Error | undefined,
    read: (bytes: Buffer) => Result,
  ): Result | undefined => {
    try {
      if (bytes instanceof Error) throw bytes;
      return bytes && read(bytes);
    } catch (error) {
      faults.push({
        variable: variables[what],
        message: `expected ${expected}; ${(error as Error).message}`,
      });
      return undefined;
    }
  };

  const chain = attempt(
    'cert',
    "the file of the service's certificate in PEM, with the chain that leads to its authority behind it",
    cert,
    parseCertificates,
  );
  const privateKey = attempt('key', 'the file of a private key in PEM, without a passphrase', key, (bytes) =>
    createPrivateKey(bytes),
  );
  attempt(
    'clientCa',
    "the file of the certificates in PEM of those who sign the clients'",
    clientCa,
    parseCertificates,
  );
  const leaf = chain?.[0];
  if (leaf && privateKey && !leaf.checkPrivateKey(privateKey)) {
    const message = `expected the private key of the certificate in ${variables.cert}, whose subject is ${nameOf(leaf)}; it is another's`;
    faults.push({ variable: variables.key, message });
  }
  // What only OpenSSL knows, such as keys that are too short to be safe.
  if (faults.length === 0)
    attempt('cert', 'a certificate and a key that OpenSSL takes', cert, () =>
      createSecureContext(toContextOptions({ cert, key, clientCa } as Credentials)),
    );
  if (faults.length > 0) return faults;
  return { cert, key, clientCa, leaf } as Credentials;
}

/** For anything of Node's that takes a secure context; without the clients' authorities, which are gRPC's alone. */
export function toContextOptions({ cert, key }: Pick<Credentials, 'cert' | 'key'>) {
  // RFC 8996: what is older is not to be used.
  return { cert, key, minVersion: 'TLSv1.2' } as const;
}

/** A certificate's subject in one line. */
export function nameOf({ subject, subjectAltName }: X509Certificate): string {
  return (subject || subjectAltName || 'empty').replaceAll('\n', ', ');
}

/** All that the file has begun: one that is cut short is refused, rather than served without the end of its chain. */
function parseCertificates(bytes: Buffer): readonly X509Certificate[] {
  const text = bytes.toString('latin1');
  const begun = text.split('-----BEGIN CERTIFICATE-----').length - 1;
  const whole = text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  if (begun === 0) throw new Error('there is no certificate in it');
  if (begun !== whole.length) throw new Error('it is cut short');
  return whole.map((pem) => new X509Certificate(pem));
}
