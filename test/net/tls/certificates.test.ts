import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/config.ts';
import { defaultLimits } from '../../../src/net/limits.ts';
import type { TlsFiles } from '../../../src/net/tls/files.ts';
import { openCertificates } from '../../../src/telemetry/certificates.ts';
import { type LogLine, until } from '../../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../../support/tls.ts';

/** Longer than the two looks that a change takes to be seen. */
const twoLooksMs = 2_600;

describe.concurrent('watched certificates', () => {
  const undone: (() => unknown)[] = [];
  afterAll(async () => {
    for (const undo of undone) await undo();
  });

  /** Files of their own, and what is made of them. */
  const prepare = async () => {
    const folder = await createTlsFolder();
    undone.push(folder.dispose);
    const lines: LogLine[] = [];
    const logger = pino(
      { formatters: { level: (level) => ({ level }) } },
      { write: (line: string) => lines.push(JSON.parse(line)) },
    );
    const names: string[] = [];
    const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } = folder.env;
    const ours = { certFile, keyFile, clientCaFile: folder.clientCaFile };
    const watch = async (files: TlsFiles = ours) => {
      const certificates = await openCertificates(files, logger, defaultLimits.certificateIntervalMs);
      undone.unshift(certificates.stop);
      certificates.subscribe(({ leaf }) => names.push(leaf.subject));
      return certificates;
    };
    const errors = () => lines.filter(({ level }) => level === 'error');
    return { folder, lines, names, watch, errors };
  };

  it('are told of once they are renewed, and say so', async () => {
    const { folder, lines, names, watch } = await prepare();
    const certificates = await watch();
    const { key } = await folder.renew('second');
    await until(() => names.length > 0);
    expect(names).toEqual(['CN=second']);
    expect(String(certificates.current.key)).toBe(key);
    expect(lines).toMatchObject([{ level: 'info', subject: 'CN=second', msg: 'TLS files taken up' }]);
    await sleep(twoLooksMs);
    expect(names).toHaveLength(1);
  });

  it('are seen behind a link that is swapped, as those of a secret of Kubernetes are', async () => {
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
    await until(() => certificates.current.leaf.subject === 'CN=two');
    expect(errors()).toEqual([]);
  });

  it.each<[string, (folder: TlsFolder) => Promise<void>, RegExp]>([
    [
      "another certificate's key",
      ({ env, authority }) => writeFile(env.TLS_KEY_FILE, authority.issue('other').key),
      /^TLS_KEY_FILE: .*it is another's/,
    ],
    [
      'half a certificate',
      ({ env, authority }) => writeFile(env.TLS_CERT_FILE, authority.issue('second').cert.slice(0, 400)),
      /^TLS_CERT_FILE: .*it is cut short/,
    ],
    ['garbage', ({ env }) => writeFile(env.TLS_KEY_FILE, 'x'), /^TLS_KEY_FILE: expected/],
    ['nothing', ({ env }) => rm(env.TLS_CERT_FILE), /^TLS_CERT_FILE: .*ENOENT/],
    ["no clients' authority", ({ clientCaFile }) => rm(clientCaFile), /^GRPC_TLS_CLIENT_CA_FILE: .*ENOENT/],
  ])(
    'stay what they were where the files come to be %s, with one error logged',
    async (_title, spoil, fault) => {
      const { errors, folder, names, watch } = await prepare();
      await watch();
      await spoil(folder);
      await until(() => errors().length > 0);
      await sleep(twoLooksMs);
      expect(errors()).toMatchObject([
        {
          subject: 'CN=first',
          faults: [expect.stringMatching(fault)],
          msg: 'TLS files are not taken up: serving on with the old ones',
        },
      ]);
      expect(names).toEqual([]);
      // When all is well again, that is taken up.
      await writeFile(folder.clientCaFile, folder.authority.cert);
      await folder.renew('third');
      await until(() => names.length > 0);
      expect(names).toEqual(['CN=third']);
    },
  );

  it('are not taken while a file is being written', async () => {
    const { errors, folder, names, watch } = await prepare();
    await watch();
    const { cert, key } = folder.authority.issue('second');
    await writeFile(folder.env.TLS_KEY_FILE, key);
    // In ten pieces over three seconds: each look finds another one.
    for (let piece = 1; piece <= 10; piece += 1) {
      await writeFile(folder.env.TLS_CERT_FILE, cert.slice(0, Math.ceil((cert.length * piece) / 10)));
      await sleep(300);
    }
    await until(() => names.length > 0);
    expect(names).toEqual(['CN=second']);
    expect(errors()).toEqual([]);
  });

  it('that are out of date are served, and an error says so', async () => {
    const { errors, folder, watch } = await prepare();
    const { cert, key } = folder.authority.issue('old', { validTo: new Date(Date.now() - 60_000) });
    await writeFile(folder.env.TLS_CERT_FILE, cert);
    await writeFile(folder.env.TLS_KEY_FILE, key);
    const certificates = await watch();
    expect(certificates.current.leaf.subject).toBe('CN=old');
    expect(errors()).toMatchObject([
      { subject: 'CN=old', msg: 'the TLS certificate is not valid today: callers will refuse it' },
    ]);
  });

  it('that are out of date never replace valid ones, and are taken up once the others end as well', async () => {
    const { errors, folder, lines, names, watch } = await prepare();
    const place = async (name: string, validity: { validFrom?: Date; validTo?: Date }) => {
      const { cert, key } = folder.authority.issue(name, validity);
      await writeFile(folder.env.TLS_CERT_FILE, cert);
      await writeFile(folder.env.TLS_KEY_FILE, key);
    };
    const endsAt = new Date((Math.floor(Date.now() / 1000) + 4) * 1000);
    await place('ends soon', { validTo: endsAt });
    const certificates = await watch();
    await place('expired', { validTo: new Date(Date.now() - 60_000) });
    await until(() => errors().length > 0);
    expect(errors()).toMatchObject([
      {
        subject: 'CN=ends soon',
        faults: [expect.stringMatching(/^TLS_CERT_FILE: expected a certificate that is valid today/)],
      },
    ]);
    expect(certificates.isRejecting).toBe(true);
    expect(certificates.current.leaf.subject).toBe('CN=ends soon');
    // Neither is valid from now on: the newer one is used.
    await until(() => names.length > 0);
    expect(Date.now()).toBeGreaterThan(endsAt.getTime());
    expect(names).toEqual(['CN=expired']);
    expect(certificates.isRejecting).toBe(false);
    expect(lines.some(({ msg }) => msg === 'TLS files taken up')).toBe(true);
  });

  it('that are not valid yet are taken up when they are', async () => {
    const { errors, folder, names, watch } = await prepare();
    await watch();
    const validFrom = new Date((Math.floor(Date.now() / 1000) + 3) * 1000);
    const { cert, key } = folder.authority.issue('tomorrow', { validFrom });
    await writeFile(folder.env.TLS_CERT_FILE, cert);
    await writeFile(folder.env.TLS_KEY_FILE, key);
    await until(() => names.length > 0);
    expect(names).toEqual(['CN=tomorrow']);
    expect(Date.now()).toBeGreaterThanOrEqual(validFrom.getTime());
    expect(errors()).toHaveLength(1);
  });

  it('are offered to every subscriber, also if one of them fails', async () => {
    const { errors, folder, watch } = await prepare();
    const certificates = await watch();
    const taken: string[] = [];
    certificates.subscribe(() => {
      throw new Error('cannot use it');
    });
    certificates.subscribe(({ leaf }) => taken.push(leaf.subject));
    await folder.renew('second');
    await until(() => taken.length > 0);
    expect(taken).toEqual(['CN=second']);
    expect(errors()).toMatchObject([{ msg: 'a listener could not use the new TLS files' }]);
  });

  it('that went bad after the configuration was read are a fault of it', async () => {
    const { folder, watch } = await prepare();
    await rm(folder.env.TLS_KEY_FILE);
    await expect(watch()).rejects.toThrow(ConfigError);
    await expect(watch()).rejects.toThrow('TLS_KEY_FILE: expected the file of a private key');
  });
});
