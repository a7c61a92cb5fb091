import type { RequestListener } from 'node:http';
import path from 'node:path';
import express, { type Express } from 'express';
import type { Logger } from 'pino';
import { isAuthenticationConfigured, isLoopback } from '../config/http.ts';
import type { Config } from '../config.ts';
import { type ConnectionLimits, listen, type RunningServer, type ServerTls } from '../http/listen.ts';
import { type LocalAccess, publishLocalAccess, withdrawLocalAccess } from '../http/security/local-access.ts';
import { startingApp } from '../http/starting.ts';
import { readPem, readPemIfNamed } from './pem.ts';

/** Where the node listens. */
export interface Doors extends AsyncDisposable {
  /** For everybody. */
  readonly url: string;
  /** For the node itself and for commands of this machine. */
  readonly own: LocalAccess;
  /** From now on the node answers; until it is disposed of, when the doors close. */
  serve(app: Express): Promise<AsyncDisposable>;
}

/** Beside the embedded database: who may read one may read the other. */
export const localAccessFile = ({ database }: Config): string =>
  path.join(database.folder, 'local-access.json');

/**
 * Opens the configured address, and one of loopback for the node itself and for commands beside it where the
 * configured one wants certificates or is for strangers to reach: there their connections are in nobody's
 * way. That one asks for credentials as the other does. Until `serve`, whoever asks is told that the node is
 * starting.
 */
export async function openDoors(
  config: Config,
  { ownToken, logger }: { ownToken: string; logger: Logger },
): Promise<Doors> {
  const { host, port, basePath, limits, trustedProxies } = config.http;
  const tls = readTls(config);
  if (!isLoopback(host) && !tls) {
    logger.warn(
      { host },
      'tokens pass in the clear: set http.tls, or let a reverse proxy do TLS before this address',
    );
  }
  const options = { limits: connectionLimits(limits, trusts(trustedProxies)) };
  const ownOptions = { limits: connectionLimits(limits, () => true) };
  let answering = startingApp(basePath);
  const answer: RequestListener = (request, response) => answering(request, response);
  await using opened = new AsyncDisposableStack();
  const close = (server: RunningServer) => server.close();
  const main = opened.adopt(await listen(answer, host, port, { ...options, tls }), close);
  const inner =
    tls || !isLoopback(host) || isAuthenticationConfigured(config)
      ? opened.adopt(await listen(answer, '127.0.0.1', 0, ownOptions), close)
      : undefined;
  const own = { url: `${(inner ?? main).url}${basePath}`, token: ownToken };
  const published = config.database.url === null ? localAccessFile(config) : undefined;
  const listening = opened.move();
  return {
    url: `${main.url}${basePath}`,
    own,
    serve: async (app) => {
      answering = app;
      if (published) await publishLocalAccess(published, own);
      return {
        [Symbol.asyncDispose]: async () => {
          if (published) await withdrawLocalAccess(published);
          await listening.disposeAsync();
        },
      };
    },
    [Symbol.asyncDispose]: () => listening.disposeAsync(),
  };
}

/** As Express understands the setting where it asks who a request is from. */
function trusts(proxies: readonly string[]): (address: string) => boolean {
  const isTrusted: (address: string, hops: number) => boolean = express()
    .set('trust proxy', [...proxies])
    .get('trust proxy fn');
  return (address) => isTrusted(address, 0);
}

function connectionLimits(
  limits: Config['http']['limits'],
  isProxy: ConnectionLimits['isProxy'],
): ConnectionLimits {
  return {
    connections: limits.connections,
    connectionsPerAddress: limits.connectionsPerAddress,
    isProxy,
    headerMs: limits.headerSeconds * 1000,
    idleMs: limits.idleSeconds * 1000,
    requestMs: limits.requestMinutes * 60_000,
  };
}

function readTls({ http: { tls } }: Config): ServerTls | undefined {
  if (tls.certificate === null || tls.key === null) return undefined;
  return {
    certificate: readPem('http.tls.certificate', tls.certificate),
    key: readPem('http.tls.key', tls.key),
    clientCa: readPemIfNamed('http.tls.clientCa', tls.clientCa),
  };
}
