import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express, { type Express } from 'express';
import { createEmbeddedArchive } from '../../src/archive/embedded-archive.ts';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { keptNodeConfig } from '../../test/support/kept-node.ts';
import { startPostgres } from '../../test/support/postgres.ts';

/** A site whose node lives through what the fixtures show. */
export interface KeptSite {
  readonly node: PansegnetNode;
  readonly databaseUrl: string;
  /** From now on the images of a study are held back until `release`: the work on it stands still. */
  hold(studyInstanceUid: string): void;
  release(): void;
  /** From now on the receiver of messages answers 503. */
  refuseMessages(): void;
  stop(): Promise<void>;
}

/** Starts PostgreSQL, an archive, a receiver of messages, and the node. */
export async function startKeptSite(): Promise<KeptSite> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kept-site-'));
  const postgres = await startPostgres();
  const databaseUrl = await postgres.newDatabase();
  const archive = await createEmbeddedArchive({ folder: path.join(folder, 'archive') });
  const released = Promise.withResolvers<void>();
  let held: string | undefined;
  let isRefusing = false;
  const archiveServer = await listen(
    express()
      .get('/dicom-web/studies/:study/series/:series', async (request, _response, next) => {
        if (request.params.study === held) await released.promise;
        next();
      })
      .use('/dicom-web', archive.router),
  );
  const receiver = await listen(
    express().post('/', (_request, response) => void response.sendStatus(isRefusing ? 503 : 204)),
  );
  const config = keptNodeConfig(`${archiveServer.url}/dicom-web`, folder, {
    database: { url: databaseUrl, folder: path.join(folder, 'database') },
    notifications: {
      events: ['failed', 'finished', 'change'],
      changePercent: 1,
      patientData: true,
      pagesUrl: 'https://pansegnet.example.org',
      webhook: { url: receiver.url, secret: 'a secret of the fixtures' },
      // Nobody listens there: what goes by e-mail stays undelivered.
      email: { smtp: 'smtp://127.0.0.1:9', from: 'node@example.org', to: ['reader@example.org'] },
    },
  });
  const node = await startNode(config);
  return {
    node,
    databaseUrl,
    hold: (study) => {
      held = study;
    },
    release: () => released.resolve(),
    refuseMessages: () => {
      isRefusing = true;
    },
    stop: async () => {
      await node.stop();
      await Promise.all([archiveServer.close(), receiver.close()]);
      await archive.close();
      await postgres.stop();
      await rm(folder, { recursive: true });
    },
  };
}

async function listen(app: Express): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
