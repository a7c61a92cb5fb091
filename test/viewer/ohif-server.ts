import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express, { type RequestHandler } from 'express';
import { createEmbeddedArchive } from '../../src/archive/embedded-archive.ts';
import { ohifRoutes } from '../../src/demo/viewer/ohif-routes.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startOrthanc } from '../support/orthanc.ts';

export interface OhifServer {
  /** Of the viewer; the archive is at `/dicom-web` below it. */
  readonly url: string;
  store(instances: readonly Uint8Array[]): Promise<void>;
  stop(): Promise<void>;
}

/** Leaves the viewer's services where a test can ask them. */
const FOR_TESTS = 'window.ohifServices = servicesManager.services;';

/** An empty archive behind the viewer. */
interface Archive {
  readonly handle: RequestHandler;
  readonly stop: () => Promise<void>;
}

async function embedded(): Promise<Archive> {
  const folder = await mkdtemp(path.join(tmpdir(), 'viewer-archive-'));
  const archive = await createEmbeddedArchive({ folder });
  return {
    handle: archive.router,
    async stop() {
      await archive.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function orthanc(): Promise<Archive> {
  const server = await startOrthanc();
  return {
    handle(incoming, outgoing) {
      // With the name of the host that the viewer asks: Orthanc builds addresses of bulk data with it.
      const { method, headers } = incoming;
      const forwarded = request(server.url + incoming.url, { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.once('error', (error) => outgoing.destroy(error));
      incoming.pipe(forwarded);
    },
    stop: () => server.stop(),
  };
}

const ARCHIVES = { embedded, orthanc };
export type ArchiveKind = keyof typeof ARCHIVES;

/**
 * OHIF and an empty archive under one origin, as a reverse proxy would put them.
 * @param dist the built viewer's folder
 */
export async function startOhif(dist: string, kind: ArchiveKind = 'embedded'): Promise<OhifServer> {
  const archive = await ARCHIVES[kind]();
  const app = express();
  app.use('/dicom-web', archive.handle);
  app.use(ohifRoutes(dist, FOR_TESTS));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const archiveClient = new DicomWebClient({ url: `${url}/dicom-web` });
  return {
    url,
    async store(instances) {
      await archiveClient.storeVerified(undefined, instances);
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await archive.stop();
    },
  };
}
