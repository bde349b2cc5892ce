import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../src/config/config.ts';
import { findMisspellings } from '../../src/config/misspelt-variables.ts';

const ours = Object.keys(environmentSchema.shape);

describe('findMisspellings', () => {
  it.each([
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['CORS_ORGINS', 'CORS_ORIGINS'],
    ['CROS_ORIGINS', 'CORS_ORIGINS'],
    ['cors_origins', 'CORS_ORIGINS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['LOG_LEVLE', 'LOG_LEVEL'],
    ['RATE_LIMIT', 'RATE_LIMIT_MAX'],
    ['RATE_LIMIT_MAXIMUM', 'RATE_LIMIT_MAX'],
    ['TLS_CERT', 'TLS_CERT_FILE'],
    ['TLS_KEY', 'TLS_KEY_FILE'],
    ['CERT_FILE', 'TLS_CERT_FILE'],
    ['MAX_MESSAGE_BYTES', 'GRPC_MAX_MESSAGE_BYTES'],
    ['TRUSTED_PROXY', 'TRUSTED_PROXIES'],
    ['GRPCPORT', 'GRPC_PORT'],
    ['DRAIN_DELAY', 'DRAIN_DELAY_MS'],
    ['SHUTDOWN_TIMEOUT_SEC', 'SHUTDOWN_TIMEOUT_MS'],
    ['host', 'HOST'],
    ['Port', 'PORT'],
  ])('takes %s for %s', (found, meant) => {
    expect(findMisspellings([found], ours)).toEqual([{ found, meant }]);
  });

  it('reports no common variable of an environment, and no valid setting', () => {
    const usual =
      'HOME PATH USER LANG TERM SHELL PWD OLDPWD HOSTNAME LOGNAME MAIL TZ NODE_ENV NODE_OPTIONS NODE_VERSION NPM_CONFIG_PREFIX ' +
      'KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_PORT GREET_PORT GREET_SERVICE_HOST GREET_SERVICE_PORT HTTP_PROXY NO_PROXY ' +
      'SERVICE_NAME OTEL_SERVICE_NAME OTEL_TRACES_SAMPLERS OTEL_LOG_LEVEL SSL_CERT_FILE SSL_CERT_DIR PORTS POST COST LC_ALL EDITOR npm_lifecycle_event';
    expect(findMisspellings([...usual.split(' '), ...ours], ours)).toEqual([]);
  });
});
