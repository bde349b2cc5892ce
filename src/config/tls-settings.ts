import { checkTls, readTlsFilesSync, type TlsFault, type TlsFiles } from '../net/tls/files.ts';

interface TlsEnvironment {
  readonly TLS_CERT_FILE?: string | undefined;
  readonly TLS_KEY_FILE?: string | undefined;
  readonly GRPC_TLS_CLIENT_CA_FILE?: string | undefined;
}

/** Undefined where there is to be no TLS. */
export function tlsFilesOf(env: TlsEnvironment): TlsFiles | undefined {
  if (!env.TLS_CERT_FILE || !env.TLS_KEY_FILE) return undefined;
  return Object.freeze({
    certFile: env.TLS_CERT_FILE,
    keyFile: env.TLS_KEY_FILE,
    clientCaFile: env.GRPC_TLS_CLIENT_CA_FILE || undefined,
  });
}

/** What is wrong with the files. Asked apart from the schema, so that it is listed together with whatever else is wrong. */
export function faultsOfTls(env: TlsEnvironment): readonly TlsFault[] {
  const { TLS_CERT_FILE, TLS_KEY_FILE, GRPC_TLS_CLIENT_CA_FILE } = env;
  const files = tlsFilesOf(env);
  if (files) {
    const checked = checkTls(readTlsFilesSync(files));
    return 'leaf' in checked ? [] : checked;
  }
  const faults: TlsFault[] = [];
  if (TLS_CERT_FILE)
    faults.push({
      variable: 'TLS_KEY_FILE',
      message: 'expected the file of the private key, as TLS_CERT_FILE is set',
    });
  if (TLS_KEY_FILE)
    faults.push({
      variable: 'TLS_CERT_FILE',
      message: 'expected the file of the certificate, as TLS_KEY_FILE is set',
    });
  if (GRPC_TLS_CLIENT_CA_FILE)
    faults.push({
      variable: 'GRPC_TLS_CLIENT_CA_FILE',
      message: 'expected TLS_CERT_FILE and TLS_KEY_FILE to be set, too',
    });
  return faults;
}
