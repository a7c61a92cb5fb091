import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express, { type RequestHandler } from 'express';
import { createEmbeddedArchive } from '../../src/archive/embedded-archive.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startOrthanc } from '../support/orthanc.ts';

export interface OhifServer {
  /** Of the viewer; the archive is at `/dicom-web` below it. */
  readonly url: string;
  store(instances: readonly Uint8Array[]): Promise<void>;
  stop(): Promise<void>;
}

/** Tells the page's script where the archive is, and leaves the viewer's services where a test can ask them. */
const APP_CONFIG = `
window.config = ({ servicesManager }) => {
  window.ohifServices = servicesManager.services;
  return {
    routerBasename: null,
    extensions: [],
    modes: [],
    customizationService: {},
    showStudyList: true,
    // A browser that draws without a graphics card has no processor to spare for decoding in parallel.
    maxNumberOfWebWorkers: 1,
    showCPUFallbackMessage: false,
    showWarningMessageForCrossOrigin: false,
    strictZSpacingForVolumeViewport: true,
    investigationalUseDialog: { option: 'never' },
    defaultDataSourceName: 'archive',
    dataSources: [
      {
        namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
        sourceName: 'archive',
        configuration: {
          friendlyName: 'archive',
          name: 'archive',
          qidoRoot: '/dicom-web',
          wadoRoot: '/dicom-web',
          wadoUriRoot: '/dicom-web',
          qidoSupportsIncludeField: true,
          supportsFuzzyMatching: false,
          supportsWildcard: false,
          imageRendering: 'wadors',
          thumbnailRendering: 'wadors',
          enableStudyLazyLoad: true,
          omitQuotationForMultipartRequest: false,
        },
      },
    ],
  };
};
`;

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
  app.use((_request, response, next) => {
    // Without these the browser gives the viewer no shared memory, which its volumes need.
    response.set({
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
    next();
  });
  app.use('/dicom-web', archive.handle);
  app.get('/app-config.js', (_request, response) => void response.type('js').send(APP_CONFIG));
  app.use(express.static(dist, { index: false }));
  app.use((_request, response) => response.sendFile('index.html', { root: dist }));
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
