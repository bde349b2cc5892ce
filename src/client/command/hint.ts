import { type Finding, probe } from './probe.ts';
import type { Attempt } from './transport.ts';

/** Describes the probable cause of a failed call, and what to do. Empty if no cause is found. */
export async function findHint(attempt: Attempt, timeoutMs: number): Promise<string> {
  return describeFinding(attempt, await probe(attempt, AbortSignal.timeout(timeoutMs)));
}

function describeFinding(attempt: Attempt, finding: Finding): string {
  const { host, port } = attempt.endpoint ?? { host: '', port: 0 };
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  if (finding.failure !== undefined) return describeFailure(finding.failure, attempt, where);
  const faults = [faultOfProtocol(attempt, finding), faultOfTls(attempt, finding)].filter(Boolean);
  return faults.length > 0 ? `${where} ${faults.join(', and ')}.` : '';
}

function describeFailure(code: string, { protocol }: Attempt, where: string): string {
  const option = protocol === 'gRPC' ? '--address' : '--url';
  switch (code) {
    case 'ECONNREFUSED':
      return `Nothing listens at ${where}: start the service, or say with ${option} where it is.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host name of ${where} cannot be resolved: check ${option}.`;
    default:
      return '';
  }
}

function faultOfProtocol({ protocol }: Attempt, { speaksHttp1, speaksHttp2 }: Finding): string {
  if (protocol === 'HTTP' && speaksHttp2 && !speaksHttp1)
    return 'speaks HTTP/2 only, as gRPC does: give the port of HTTP, or use --grpc with --address';
  if (protocol === 'gRPC' && speaksHttp1 && !speaksHttp2)
    return 'speaks HTTP/1.1, not gRPC: give the port of gRPC, or use --url without --grpc';
  return '';
}

function faultOfTls({ protocol, isOverTls, cert }: Attempt, finding: Finding): string {
  const { certificateError, wantsCertificate } = finding;
  if (finding.isOverTls === undefined) return '';
  if (finding.isOverTls && !isOverTls)
    return `speaks TLS: ${protocol === 'gRPC' ? 'add --tls' : 'use https in the URL'}`;
  if (!finding.isOverTls && isOverTls)
    return `speaks clear text, not TLS: ${protocol === 'gRPC' ? 'leave out --tls and --cacert' : 'use http in the URL'}`;
  if (wantsCertificate && !cert && protocol === 'gRPC')
    return 'asks for a certificate of the client: give --cert and --key';
  return describeCertificate(certificateError);
}

function describeCertificate(error: string | undefined): string {
  switch (error) {
    case undefined:
      return '';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'has a certificate for another name: call the host as the certificate does';
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'has a certificate that is not valid at this time: renew it, or check the clock';
    default:
      return `has a certificate that is not trusted (${error}): name its authority with --cacert`;
  }
}
