import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type Router } from 'express';
import { errorAnswer } from './error-answer.ts';
import { healthRoutes } from './health.ts';
import { type StudiesApi, studiesApi } from './studies-api.ts';
import { studiesPage } from './studies-page.ts';

export interface HttpParts {
  readonly studies: StudiesApi;
  /** Rejects with the reason while the node cannot work. */
  readonly ready: () => Promise<void>;
  /** Told of errors that are not the request's fault. */
  readonly onError: (error: unknown) => void;
  /** The embedded archive's DICOMweb service, where it is in use. */
  readonly archive?: Router | undefined;
}

/** Nothing is loaded from elsewhere, nothing is framed, no script runs: the pages are plain HTML. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

export function createApp({ studies, ready, onError, archive }: HttpParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((_request, response, next) => {
    response.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    response.set('X-Content-Type-Options', 'nosniff');
    next();
  });
  app.use(healthRoutes(ready));
  if (archive) app.use('/dicom-web', archive);
  app.use('/api', studiesApi(studies));
  app.get('/', studiesPage(studies));
  app.use(errorAnswer(onError));
  return app;
}

export interface RunningServer {
  readonly url: string;
  close(): Promise<void>;
}

/** @param port 0: a free one */
export async function listen(app: Express, host: string, port: number): Promise<RunningServer> {
  const server = createServer(app);
  server.listen(port, host);
  await once(server, 'listening');
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: async () => {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}
