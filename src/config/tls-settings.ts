import {
  checkTls,
  isFaulty,
  readTlsFilesSync,
  type TlsContents,
  type TlsFault,
  type TlsFiles,
} from '../net/tls/files.ts';

interface TlsEnvironment {
  readonly TLS_CERT_FILE?: string | undefined;
  readonly TLS_KEY_FILE?: string | undefined;
  readonly GRPC_TLS_CLIENT_CA_FILE?: string | undefined;
}

/** A fault of a variable. The message follows the variable's name. */
export interface VariableFault {
  readonly variable: string;
  readonly message: string;
}

const variables = {
  cert: 'TLS_CERT_FILE',
  key: 'TLS_KEY_FILE',
  clientCa: 'GRPC_TLS_CLIENT_CA_FILE',
} as const satisfies Record<keyof TlsContents, keyof TlsEnvironment>;

/** Undefined if TLS is off. */
export function tlsFilesOf(env: TlsEnvironment): TlsFiles | undefined {
  if (!env.TLS_CERT_FILE || !env.TLS_KEY_FILE) return undefined;
  return Object.freeze({
    certFile: env.TLS_CERT_FILE,
    keyFile: env.TLS_KEY_FILE,
    clientCaFile: env.GRPC_TLS_CLIENT_CA_FILE || undefined,
  });
}

/** Checks the files themselves. This is not part of the schema, so that its faults are listed together with all others. */
export function tlsFaultsOf(env: TlsEnvironment): readonly VariableFault[] {
  const files = tlsFilesOf(env);
  if (files) {
    const checked = checkTls(readTlsFilesSync(files));
    return isFaulty(checked) ? checked.map(describeTlsFault) : [];
  }
  const faults: VariableFault[] = [];
  const require = (variable: keyof TlsEnvironment, message: string) => faults.push({ variable, message });
  if (env.TLS_CERT_FILE)
    require('TLS_KEY_FILE', 'expected the file of the private key, as TLS_CERT_FILE is set');
  if (env.TLS_KEY_FILE)
    require('TLS_CERT_FILE', 'expected the file of the certificate, as TLS_KEY_FILE is set');
  if (env.GRPC_TLS_CLIENT_CA_FILE)
    require('GRPC_TLS_CLIENT_CA_FILE', 'expected TLS_CERT_FILE and TLS_KEY_FILE to be set, too');
  return faults;
}

const expectedContents = {
  cert: "the file of the service's certificate in PEM, with the chain that leads to its authority behind it",
  key: 'the file of a private key in PEM, without a passphrase',
  clientCa: "the file of the certificates in PEM of those who sign the clients'",
} as const satisfies Record<keyof TlsContents, string>;

export function describeTlsFault({ file, code, reason }: TlsFault): VariableFault {
  const variable = variables[file];
  switch (code) {
    case 'key-mismatch':
      return {
        variable,
        message: `expected the private key of the certificate in ${variables.cert}, whose subject is ${reason}; this key belongs to another certificate`,
      };
    case 'outside-validity':
      return { variable, message: `expected a certificate that is valid today; its validity is ${reason}` };
    case 'refused-by-openssl':
      return { variable, message: `expected a certificate and a key that OpenSSL accepts; ${reason}` };
    default:
      return { variable, message: `expected ${expectedContents[file]}; ${reason}` };
  }
}
