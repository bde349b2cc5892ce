import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError } from '../../../src/config/load-config.ts';
import type { Certificates } from '../../../src/net/tls/certificates.ts';
import type { TlsFiles } from '../../../src/net/tls/files.ts';
import { openCertificates } from '../../../src/telemetry/certificates.ts';
import type { LogLine } from '../../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../../support/tls.ts';

// The tests call `read()` themselves. reload.test.ts tests that a service reads by itself.
const intervalMs = 3_600_000;

let watched: Certificates;
const read = () => watched.read();

/** New contents are used once two reads agree. */
async function readTwice(): Promise<void> {
  await read();
  await read();
}

describe('watched certificates', () => {
  /** TLS files in a temporary folder, and the events of their watch. */
  const prepare = async () => {
    const folder = await createTlsFolder();
    onTestFinished(folder.dispose);
    const lines: LogLine[] = [];
    const logger = pino(
      { formatters: { level: (level) => ({ level }) } },
      { write: (line: string) => lines.push(JSON.parse(line)) },
    );
    const subjects: string[] = [];
    const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } = folder.env;
    const ours = { certFile, keyFile, clientCaFile: folder.clientCaFile };
    const watch = async (files: TlsFiles = ours) => {
      watched = await openCertificates(files, logger, intervalMs);
      onTestFinished(watched.stop);
      watched.subscribe(({ leaf }) => subjects.push(leaf.subject));
      return watched;
    };
    const errors = () => lines.filter(({ level }) => level === 'error');
    return { folder, lines, subjects, watch, errors };
  };

  it('are replaced once when they are renewed, which is logged', async () => {
    const { folder, lines, subjects, watch } = await prepare();
    const certificates = await watch();
    const { key } = await folder.renew('second');
    await read();
    expect(subjects).toEqual([]);
    await read();
    expect(subjects).toEqual(['CN=second']);
    expect(String(certificates.current.key)).toBe(key);
    expect(lines).toMatchObject([{ level: 'info', subject: 'CN=second', msg: 'TLS files loaded' }]);
    await readTwice();
    expect(subjects).toHaveLength(1);
  });

  it('are replaced when a link to their folder changes, as in a Kubernetes Secret', async () => {
    const { errors, folder, watch } = await prepare();
    const place = dirname(folder.env.TLS_CERT_FILE);
    const fill = async (name: string) => {
      const pair = folder.authority.issue(name);
      await mkdir(join(place, name));
      await writeFile(join(place, name, 'cert'), pair.cert);
      await writeFile(join(place, name, 'key'), pair.key);
      await symlink(name, join(place, 'data.new'));
      await rename(join(place, 'data.new'), join(place, 'data'));
    };
    await fill('one');
    const certificates = await watch({
      certFile: join(place, 'data/cert'),
      keyFile: join(place, 'data/key'),
      clientCaFile: undefined,
    });
    await fill('two');
    await readTwice();
    expect(certificates.current.leaf.subject).toBe('CN=two');
    expect(errors()).toEqual([]);
  });

  it.each<[string, (folder: TlsFolder) => Promise<void>, RegExp]>([
    [
      "another certificate's key",
      ({ env, authority }) => writeFile(env.TLS_KEY_FILE, authority.issue('other').key),
      /^TLS_KEY_FILE: .*this key belongs to another certificate/,
    ],
    [
      'half a certificate',
      ({ env, authority }) => writeFile(env.TLS_CERT_FILE, authority.issue('second').cert.slice(0, 400)),
      /^TLS_CERT_FILE: .*it is cut short/,
    ],
    ['garbage', ({ env }) => writeFile(env.TLS_KEY_FILE, 'x'), /^TLS_KEY_FILE: expected/],
    ['no certificate', ({ env }) => rm(env.TLS_CERT_FILE), /^TLS_CERT_FILE: .*ENOENT/],
    ['no client authority', ({ clientCaFile }) => rm(clientCaFile), /^GRPC_TLS_CLIENT_CA_FILE: .*ENOENT/],
  ])('are kept while the files contain %s, and one error is logged', async (_title, spoil, fault) => {
    const { errors, folder, subjects, watch } = await prepare();
    await watch();
    await spoil(folder);
    await readTwice();
    expect(errors()).toHaveLength(1);
    await readTwice();
    expect(errors()).toMatchObject([
      {
        subject: 'CN=first',
        faults: [expect.stringMatching(fault)],
        msg: 'TLS files not loaded: the old ones stay in use',
      },
    ]);
    expect(subjects).toEqual([]);
    // Valid files are used again.
    await writeFile(folder.clientCaFile, folder.authority.cert);
    await folder.renew('third');
    await readTwice();
    expect(subjects).toEqual(['CN=third']);
  });

  it('are not replaced while a file is being written', async () => {
    const { errors, folder, subjects, watch } = await prepare();
    await watch();
    const { cert, key } = folder.authority.issue('second');
    await writeFile(folder.env.TLS_KEY_FILE, key);
    for (let piece = 1; piece <= 10; piece += 1) {
      await writeFile(folder.env.TLS_CERT_FILE, cert.slice(0, Math.ceil((cert.length * piece) / 10)));
      await read();
    }
    expect(subjects).toEqual([]);
    await read();
    expect(subjects).toEqual(['CN=second']);
    expect(errors()).toEqual([]);
  });

  it('that have expired are served, and an error is logged', async () => {
    const { errors, folder, watch } = await prepare();
    const { cert, key } = folder.authority.issue('old', { validTo: new Date(Date.now() - 60_000) });
    await writeFile(folder.env.TLS_CERT_FILE, cert);
    await writeFile(folder.env.TLS_KEY_FILE, key);
    const certificates = await watch();
    expect(certificates.current.leaf.subject).toBe('CN=old');
    expect(errors()).toMatchObject([
      { subject: 'CN=old', msg: 'the TLS certificate is not valid today: clients will refuse it' },
    ]);
  });

  it('that became invalid after the configuration was read are a fault of the configuration', async () => {
    const { folder, watch } = await prepare();
    await rm(folder.env.TLS_KEY_FILE);
    await expect(watch()).rejects.toThrow(ConfigError);
    await expect(watch()).rejects.toThrow('TLS_KEY_FILE: expected the file of a private key');
  });
});
