import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { LocalService } from './local-service.ts';
import { UsageError } from './usage-error.ts';

/** Reads the file that an option names, if the option is given. @throws {UsageError} */
export function readPemFile(option: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`--${option}: expected a file that can be read; ${(error as Error).message}`);
  }
}

/**
 * The same for authorities. It checks them, because OpenSSL accepts a file without certificates and then trusts no server. @throws
 * {UsageError}
 */
export function readAuthorities(path: string | undefined): Buffer | undefined {
  const ca = readPemFile('cacert', path);
  if (ca === undefined) return undefined;
  try {
    if (!ca.includes('CERTIFICATE-----')) throw new Error('there is none');
    createSecureContext({ ca });
    return ca;
  } catch (error) {
    throw new UsageError(`--cacert: expected certificates in PEM in ${path}; ${(error as Error).message}`);
  }
}

/**
 * False for the local service, unless its authority is given: its certificate is for its public name, and the connection does not leave the
 * machine.
 */
export function verifiesCertificate(local: LocalService | undefined, ca: Buffer | undefined): boolean {
  return local === undefined || ca !== undefined;
}
