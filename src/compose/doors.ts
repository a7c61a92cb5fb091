import path from 'node:path';
import type { Express } from 'express';
import type { Logger } from 'pino';
import { isLoopback } from '../config/http.ts';
import type { Config } from '../config.ts';
import { type ConnectionLimits, listen, type ServerTls } from '../http/listen.ts';
import { type LocalAccess, publishLocalAccess, withdrawLocalAccess } from '../http/security/local-access.ts';
import { readPem, readPemIfNamed } from './pem.ts';

/** Where the node listens. */
export interface Doors {
  /** For everybody. */
  readonly url: string;
  /** For the node itself and for commands of this machine. */
  readonly own: LocalAccess;
  close(): Promise<void>;
}

/** Beside the embedded database: who may read one may read the other. */
export const localAccessFile = ({ database }: Config): string =>
  path.join(database.folder, 'local-access.json');

/**
 * Opens the configured address, and one of loopback for the node itself and for commands beside it where the configured one
 * wants certificates or is another machine's to reach. That one asks for credentials as the other does.
 */
export async function openDoors(
  config: Config,
  { app, ownToken, logger }: { app: Express; ownToken: string; logger: Logger },
): Promise<Doors> {
  const { host, port, basePath, limits } = config.http;
  const tls = readTls(config);
  if (!isLoopback(host) && !tls) {
    logger.warn(
      { host },
      'tokens pass in the clear: set http.tls, or let a reverse proxy do TLS before this address',
    );
  }
  const options = { limits: connectionLimits(limits) };
  const main = await listen(app, host, port, { ...options, tls });
  const inner = tls || !isLoopback(host) ? await listen(app, '127.0.0.1', 0, options) : undefined;
  const own = { url: `${(inner ?? main).url}${basePath}`, token: ownToken };
  const published = config.database.url === null ? localAccessFile(config) : undefined;
  if (published) await publishLocalAccess(published, own);
  return {
    url: `${main.url}${basePath}`,
    own,
    close: async () => {
      if (published) await withdrawLocalAccess(published);
      await Promise.all([main.close(), inner?.close()]);
    },
  };
}

function connectionLimits(limits: Config['http']['limits']): ConnectionLimits {
  return {
    connections: limits.connections,
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
