import type { Logger } from 'pino';
import { ConfigError } from '../../config/config.ts';
import {
  type Credentials,
  checkTls,
  nameOf,
  readTlsFiles,
  type TlsContents,
  type TlsFault,
  type TlsFiles,
} from './files.ts';

/**
 * How often the files are read, in milliseconds. What they hold is compared, and no event of the file system waited for: a
 * secret of Kubernetes is swapped by a link two folders up, other tools rename or rewrite, and all of them are seen this way.
 */
const intervalMs = 1_000;

/** The service's certificate and key, and who may call it over gRPC, as they are in their files now. */
export interface Certificates {
  readonly current: Credentials;
  /** Calls back with each new set that has been checked; connections made before go on with theirs. */
  subscribe(listener: (credentials: Credentials) => void): void;
  stop(): void;
}

/**
 * Reads the files, and takes up what they hold later on: all of it or nothing, so that a certificate never meets another's key,
 * and only what two looks in a row have found, as a file may be half-written at any one of them. What is not good is logged as
 * an error, and what was served before is served on.
 *
 * @throws {ConfigError} when they are not good any more, as they were when the configuration was read.
 */
export async function watchCertificates(files: TlsFiles, logger: Logger): Promise<Certificates> {
  let seen = await readTlsFiles(files);
  let settled = seen;
  const checked = checkTls(seen);
  if (isFaulty(checked)) throw new ConfigError(linesOf(checked));
  let current = checked;
  warnOfDates(current, logger);
  const listeners: ((credentials: Credentials) => void)[] = [];

  const look = async () => {
    const found = await readTlsFiles(files);
    const isSettled = isSame(found, seen);
    seen = found;
    if (!isSettled || isSame(found, settled)) return;
    settled = found;
    const next = checkTls(found);
    if (isFaulty(next)) {
      const serving = { subject: nameOf(current.leaf), validTo: current.leaf.validTo };
      logger.error(
        { ...serving, faults: linesOf(next) },
        'TLS files are not taken up: serving on with the old ones',
      );
      return;
    }
    current = next;
    for (const listener of listeners) listener(current);
    const { validFrom, validTo, serialNumber } = current.leaf;
    logger.info({ subject: nameOf(current.leaf), serialNumber, validFrom, validTo }, 'TLS files taken up');
    warnOfDates(current, logger);
  };
  let isLooking = false;
  const timer = setInterval(() => {
    // A file system that hangs is waited for, not asked again and again.
    if (isLooking) return;
    isLooking = true;
    look().finally(() => {
      isLooking = false;
    });
  }, intervalMs).unref();

  return {
    get current() {
      return current;
    },
    subscribe: (listener) => listeners.push(listener),
    stop: () => clearInterval(timer),
  };
}

/** An outdated certificate is served all the same: some callers do not mind, and none is better off with no answer at all. */
function warnOfDates({ leaf }: Credentials, logger: Logger): void {
  const { validFrom, validTo } = leaf;
  const now = Date.now();
  if (now >= Date.parse(validFrom) && now <= Date.parse(validTo)) return;
  logger.error(
    { subject: nameOf(leaf), validFrom, validTo },
    'the TLS certificate is not valid today: callers will refuse it',
  );
}

function isFaulty(checked: Credentials | readonly TlsFault[]): checked is readonly TlsFault[] {
  return Array.isArray(checked);
}

function linesOf(faults: readonly TlsFault[]): string[] {
  return faults.map(({ variable, message }) => `${variable}: ${message}`);
}

function isSame(one: TlsContents, other: TlsContents): boolean {
  return toText(one) === toText(other);
}

function toText(contents: TlsContents): string {
  return Object.values(contents)
    .map((found) => (Buffer.isBuffer(found) ? found.toString('base64') : String(found)))
    .join(' ');
}
