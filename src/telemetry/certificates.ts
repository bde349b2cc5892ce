import { Counter, Gauge } from 'prom-client';
import { ConfigError } from '../config/load-config.ts';
import { describeTlsFault } from '../config/tls-settings.ts';
import {
  type Certificates,
  isValidToday,
  TlsFilesError,
  watchCertificates,
} from '../net/tls/certificates.ts';
import { type Credentials, subjectOf, type TlsFault, type TlsFiles } from '../net/tls/files.ts';
import { handshakeFailures, type ReportHandshakeFailure } from '../net/tls/handshake-failure.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Telemetry } from './telemetry.ts';

/**
 * Opens the certificate files, watches them, and logs every change.
 *
 * @throws {ConfigError} if the files are not valid. The configuration has checked them before, so they have changed since.
 */
export async function openCertificates(
  files: TlsFiles,
  logger: Logger,
  intervalMs: number,
): Promise<Certificates> {
  try {
    const certificates = await watchCertificates(files, {
      intervalMs,
      onRenewed(credentials) {
        const { validFrom, validTo, serialNumber } = credentials.leaf;
        const subject = subjectOf(credentials.leaf);
        logger.info({ subject, serialNumber, validFrom, validTo }, 'TLS files loaded');
        warnOfValidity(credentials, logger);
      },
      onError(error) {
        logger.error({ err: error }, 'a listener could not use the new TLS files');
      },
      onRejected(faults, { leaf }) {
        logger.error(
          { subject: subjectOf(leaf), validTo: leaf.validTo, faults: linesOf(faults) },
          'TLS files not loaded: the old ones stay in use',
        );
      },
    });
    warnOfValidity(certificates.current, logger);
    return certificates;
  } catch (error) {
    throw error instanceof TlsFilesError ? new ConfigError(linesOf(error.faults)) : error;
  }
}

const listeners = ['http', 'grpc'] as const;

/** Counts the TLS handshakes that fail, and logs them at debug level: anyone can make them fail. */
export function createHandshakeReporter(
  { logger, metrics }: Pick<Telemetry, 'logger' | 'metrics'>,
  isTls: boolean,
): (listener: (typeof listeners)[number]) => ReportHandshakeFailure {
  const count = isTls ? countHandshakeFailures(metrics, listeners, handshakeFailures) : () => {};
  return (listener) => (reason, errorCode) => {
    count(listener, reason);
    logger.debug({ listener, reason, errorCode }, 'TLS handshake failed');
  };
}

/** Counts TLS handshakes that failed, by listener and reason. The series exist from the start. */
function countHandshakeFailures(
  { registry }: Metrics,
  listeners: readonly string[],
  reasons: readonly string[],
): (listener: string, reason: string) => void {
  const counter = new Counter({
    name: 'greet_tls_handshakes_failed_total',
    help: 'TLS handshakes that failed, by listener and reason; absent without TLS.',
    labelNames: ['listener', 'reason'],
    registers: [registry],
  });
  for (const listener of listeners) for (const reason of reasons) counter.inc({ listener, reason }, 0);
  return (listener, reason) => counter.inc({ listener, reason });
}

/** Exports when the served certificate expires, and whether newer files are not used, so that alerts can fire before that. */
export function exportCertificates({ registry }: Metrics, certificates: Certificates): void {
  const registers = [registry];
  new Gauge({
    name: 'greet_tls_certificate_expiry_timestamp_seconds',
    help: 'When the served TLS certificate expires, in seconds since 1970; absent without TLS.',
    registers,
    collect() {
      this.set(Date.parse(certificates.current.leaf.validTo) / 1000);
    },
  });
  new Gauge({
    name: 'greet_tls_files_rejected',
    help: '1 if the TLS files have changed and are not used, else 0; absent without TLS.',
    registers,
    collect() {
      this.set(Number(certificates.isRejecting));
    },
  });
}

/** Logs an error if the certificate is not valid today. It is served all the same: some clients do not check it. */
function warnOfValidity(credentials: Credentials, logger: Logger): void {
  if (isValidToday(credentials)) return;
  const { leaf } = credentials;
  const { validFrom, validTo } = leaf;
  logger.error(
    { subject: subjectOf(leaf), validFrom, validTo },
    'the TLS certificate is not valid today: clients will refuse it',
  );
}

function linesOf(faults: readonly TlsFault[]): string[] {
  return faults.map(describeTlsFault).map(({ variable, message }) => `${variable}: ${message}`);
}
