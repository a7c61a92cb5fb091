import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedArchive, type EmbeddedArchive } from '../../src/archive/embedded-archive.ts';
import { archiveOptions } from '../../src/compose/archive.ts';
import { startNode } from '../../src/compose.ts';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { ArchiveAccess } from '../../src/dicom/web/archive-access.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { requestJson } from '../../src/dicom/web/json-request.ts';
import { listen, type RunningServer, type ServerTls } from '../../src/http/listen.ts';
import { readLocalAccess } from '../../src/http/security/local-access.ts';
import { addToken } from '../../src/http/security/token-file.ts';
import { type Certificate, createAuthority, type TestAuthority } from '../support/certificates.ts';
import { type HttpProxy, startHttpProxy } from '../support/http-proxy.ts';
import { describeWith } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';

const STUDY = '1.2.276.0.7230010.3.1.2.9';

describeWith(['openssl'], 'TLS', () => {
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let server: Certificate;
  let client: Certificate;
  let folder: string;

  beforeAll(async () => {
    authority = createAuthority('Hospital CA');
    stranger = createAuthority('Another CA');
    server = authority.issue('archive', 'DNS:localhost,IP:127.0.0.1');
    client = authority.issue('node', 'DNS:node');
    folder = await mkdtemp(path.join(tmpdir(), 'tls-'));
  });
  afterAll(async () => {
    authority?.remove();
    stranger?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  describe('towards the archive', () => {
    let archive: EmbeddedArchive;
    const servers: RunningServer[] = [];
    let proxy: HttpProxy;

    beforeAll(async () => {
      archive = await createEmbeddedArchive({ folder: path.join(folder, 'archive') });
      proxy = await startHttpProxy();
    });
    afterAll(async () => {
      await Promise.all(servers.map((running) => running.close()));
      await proxy.stop();
      await archive.close();
    });

    async function serve(tls?: ServerTls): Promise<string> {
      const running = await listen(express().use('/dicom-web', archive.router), '127.0.0.1', 0, { tls });
      servers.push(running);
      return `${running.url}/dicom-web`;
    }

    const clientOf = (url: string, keys: Readonly<Record<string, unknown>>) =>
      new DicomWebClient(
        archiveOptions(
          loadConfig({ environment: {}, overrides: { archive: { kind: 'dicomweb', url, ...keys } } }),
        ),
      );

    /** Every kind of request that the client knows: each goes another way through Node. */
    async function exchangeEverything(url: string, keys: Readonly<Record<string, unknown>>): Promise<void> {
      const web = clientOf(url, keys);
      const uids = { study: STUDY, series: `${STUDY}.1`, sop: `${STUDY}.1.1` };
      const bytes = smallInstance(uids);
      const file = path.join(folder, 'instance.dcm');
      await writeFile(file, bytes);
      expect((await web.store(STUDY, [bytes])).stored).toHaveLength(1);
      expect((await web.storeFiles([{ path: file, size: bytes.length }])).stored).toHaveLength(1);
      expect(await web.searchSeries(STUDY)).toHaveLength(1);
      expect(await web.seriesMetadata(STUDY, uids.series)).toHaveLength(1);
      expect(await web.retrieveInstance(STUDY, uids.series, uids.sop)).toEqual(bytes);
    }

    const tlsOf = ({ certificate, key }: Certificate, clientCa?: string): ServerTls => ({
      certificate,
      key,
      clientCa,
    });

    it('trusts the configured authority, and it alone', async () => {
      const url = await serve(tlsOf(server));
      await exchangeEverything(url, { ca: authority.certificateFile });
      for (const keys of [{}, { ca: stranger.certificateFile }]) {
        const web = clientOf(url, keys);
        await expect(web.searchSeries(STUDY)).rejects.toThrow(/archive\.ca/);
        await expect(web.retrieveInstance(STUDY, '1', '1')).rejects.toThrow(/archive\.ca/);
        await expect(web.store(STUDY, [Uint8Array.of(1)])).rejects.toMatchObject({
          code: 'DICOM_WEB_UNREACHABLE',
        });
      }
      await expect(requestJson(new ArchiveAccess({ url }), '')).rejects.toThrow(/archive\.ca/);
    });

    it('refuses a certificate for another name', async () => {
      const url = await serve(tlsOf(authority.issue('other', 'DNS:other.example')));
      const web = clientOf(url, { ca: authority.certificateFile });
      await expect(web.searchSeries(STUDY)).rejects.toThrow(/archive\.url has to use a name/);
    });

    it('shows its certificate to an archive that wants one', async () => {
      const url = await serve(tlsOf(server, authority.certificate));
      const ca = authority.certificateFile;
      await exchangeEverything(url, {
        ca,
        clientCertificate: client.certificateFile,
        clientKey: client.keyFile,
      });
      const foreign = stranger.issue('node', 'DNS:node');
      for (const keys of [{}, { clientCertificate: foreign.certificateFile, clientKey: foreign.keyFile }]) {
        const web = clientOf(url, { ca, ...keys });
        await expect(web.searchSeries(STUDY)).rejects.toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
        await expect(web.retrieveInstance(STUDY, '1', '1')).rejects.toMatchObject({
          code: 'DICOM_WEB_UNREACHABLE',
        });
      }
    });

    it('goes through a proxy: http forwarded, https in a tunnel with its certificates', async () => {
      const plain = await serve();
      proxy.asked.length = 0;
      await exchangeEverything(plain, { proxy: proxy.url });
      expect(new Set(proxy.asked.map((line) => line.split(' ')[0]))).toEqual(new Set(['GET', 'POST']));
      expect(proxy.asked.every((line) => line.includes(plain))).toBe(true);

      const secure = await serve(tlsOf(server, authority.certificate));
      const requests = proxy.asked.length;
      proxy.asked.length = 0;
      await exchangeEverything(secure, {
        proxy: proxy.url,
        ca: authority.certificateFile,
        clientCertificate: client.certificateFile,
        clientKey: client.keyFile,
      });
      expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${new URL(secure).host}`]));
      expect(proxy.asked).toHaveLength(requests);
    });

    it('names the key of the configuration whose file is missing or no PEM', async () => {
      const file = path.join(folder, 'no.pem');
      expect(() => clientOf('https://127.0.0.1', { ca: file })).toThrow(ConfigError);
      await writeFile(file, 'text');
      expect(() => clientOf('https://127.0.0.1', { ca: file })).toThrow(
        /archive\.ca: .*no\.pem is not in PEM form/,
      );
    });
  });

  it('of the node lets in who shows certificate and token, and the node itself uses its embedded archive', async () => {
    const tokensFile = path.join(folder, 'tokens.json');
    const token = await addToken(tokensFile, { name: 'v', role: 'viewer', expires: null, now: new Date() });
    const tls = {
      certificate: server.certificateFile,
      key: server.keyFile,
      clientCa: authority.certificateFile,
    };
    const node = await startNode(
      loadConfig({
        environment: {},
        overrides: {
          archive: { kind: 'embedded', folder: path.join(folder, 'own-archive') },
          database: { folder: path.join(folder, 'database') },
          audit: { folder: null },
          auth: { tokensFile },
          http: { host: '0.0.0.0', port: 0, basePath: '/pan', tls },
          log: { level: 'silent' },
        },
      }),
    );
    try {
      const url = node.url.replace('0.0.0.0', '127.0.0.1');
      const get = (options: https.RequestOptions): Promise<number | undefined> => {
        const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
        https
          .get(`${url}/api/studies`, { ca: authority.certificate, agent: false, ...options }, (answer) => {
            resolve(answer.resume().statusCode);
          })
          .on('error', reject);
        return promise;
      };
      const shown = { cert: client.certificate, key: client.key };
      expect(url).toMatch(/^https:.*\/pan$/);
      expect(await get({ ...shown, headers: { Authorization: `Bearer ${token}` } })).toBe(200);
      expect(await get(shown)).toBe(401);
      await expect(get({})).rejects.toThrow(/certificate required|reset|hang up/);
      await expect(get({ ...shown, maxVersion: 'TLSv1.1' })).rejects.toThrow(/protocol|version/i);

      await node.archive.storeVerified(STUDY, [
        smallInstance({ study: STUDY, series: `${STUDY}.1`, sop: `${STUDY}.1.1` }),
      ]);
      expect(await node.archive.searchSeries(STUDY)).toHaveLength(1);
      expect((await fetch(`${node.archive.url}/studies`)).status).toBe(401);

      // Commands of this machine find their way in by a file that is for the node's user alone.
      const file = path.join(folder, 'database', 'local-access.json');
      const access = await readLocalAccess(file);
      expect((await stat(file)).mode & 0o077).toBe(0);
      const headers = { Authorization: `Bearer ${access?.token}` };
      expect((await fetch(`${access?.url}/api/studies`, { headers })).status).toBe(200);
      expect((await fetch(`${access?.url}/api/studies`)).status).toBe(401);
    } finally {
      await node.stop();
    }
    expect(await readLocalAccess(path.join(folder, 'database', 'local-access.json'))).toBeUndefined();
  });
});
