import {
  type Credentials,
  checkTls,
  isFaulty,
  readTlsFiles,
  type TlsContents,
  type TlsFault,
  type TlsFiles,
} from './files.ts';

/** The credentials in use: the service's certificate and key, and the authorities of gRPC clients. */
export interface Certificates {
  readonly current: Credentials;
  /** True while the files hold content that was rejected. */
  readonly isRejecting: boolean;
  /** Reads the files now; the watch does so by itself. Resolves when what they hold is used or rejected. */
  read(): Promise<void>;
  /** Calls back with each new set of credentials. Existing connections keep theirs. */
  subscribe(listener: (credentials: Credentials) => void): void;
  stop(): void;
}

/** What happens to the credentials while the service runs. */
export interface CertificateEvents {
  /** The files have changed, and are used for new connections from now on. */
  onRenewed(credentials: Credentials): void;
  /** The files have changed and are not used; `credentials` are still in use. */
  onRejected(faults: readonly TlsFault[], credentials: Credentials): void;
  /** A subscriber could not use the new credentials. */
  onError(error: unknown): void;
}

/** The files were not valid when the watch began. */
export class TlsFilesError extends Error {
  override readonly name = 'TlsFilesError';
  readonly faults: readonly TlsFault[];

  constructor(faults: readonly TlsFault[]) {
    super('The TLS files are not valid.');
    this.faults = faults;
  }
}

/**
 * Reads the files every `intervalMs` and compares their contents. It does not use file system events: Kubernetes swaps a link two folders
 * up, and other tools rename or rewrite files. New contents are used once two consecutive reads agree, because one read may find a
 * half-written file, and only all together, so that the key always matches. A certificate outside its validity waits until it is valid, or
 * until the current one no longer is.
 *
 * @throws {TlsFilesError} if the files are not valid.
 */
export async function watchCertificates(
  files: TlsFiles,
  { onRenewed, onRejected, onError, intervalMs }: CertificateEvents & { readonly intervalMs: number },
): Promise<Certificates> {
  let lastRead = await readTlsFiles(files);
  let lastChecked = lastRead;
  const checked = checkTls(lastRead);
  if (isFaulty(checked)) throw new TlsFilesError(checked);
  let current = checked;
  /** Credentials from the files, checked, but not valid today. */
  let waiting: Credentials | undefined;
  let isRejecting = false;
  const listeners: ((credentials: Credentials) => void)[] = [];

  const use = (credentials: Credentials) => {
    current = credentials;
    waiting = undefined;
    isRejecting = false;
    for (const listener of listeners) {
      try {
        listener(credentials);
      } catch (error) {
        onError(error);
      }
    }
    onRenewed(credentials);
  };
  const reject = (faults: readonly TlsFault[]) => {
    isRejecting = true;
    onRejected(faults, current);
  };
  const readFiles = async () => {
    const found = await readTlsFiles(files);
    const isStable = isSame(found, lastRead);
    lastRead = found;
    if (waiting && (isValidToday(waiting) || !isValidToday(current))) return use(waiting);
    if (!isStable || isSame(found, lastChecked)) return;
    lastChecked = found;
    waiting = undefined;
    const next = checkTls(found);
    if (isFaulty(next)) return reject(next);
    if (isValidToday(next) || !isValidToday(current)) return use(next);
    waiting = next;
    const { validFrom, validTo } = next.leaf;
    reject([{ file: 'cert', code: 'outside-validity', reason: `${validFrom} to ${validTo}` }]);
  };
  let reading: Promise<void> | undefined;
  const read = () => {
    // Callers share a read in progress: a file system that hangs is not asked again.
    reading ??= readFiles()
      .catch(onError)
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
  const timer = setInterval(read, intervalMs).unref();

  return {
    get current() {
      return current;
    },
    get isRejecting() {
      return isRejecting;
    },
    read,
    subscribe: (listener) => listeners.push(listener),
    stop: () => clearInterval(timer),
  };
}

export function isValidToday({ leaf: { validFrom, validTo } }: Credentials): boolean {
  const now = Date.now();
  return now >= Date.parse(validFrom) && now <= Date.parse(validTo);
}

function isSame(one: TlsContents, other: TlsContents): boolean {
  return toText(one) === toText(other);
}

function toText(contents: TlsContents): string {
  return Object.values(contents)
    .map((found) => (Buffer.isBuffer(found) ? found.toString('base64') : String(found)))
    .join(' ');
}
