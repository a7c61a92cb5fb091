import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type ConnectionBounds, Connections } from './connections.ts';

/** PEM texts. */
export interface ServerTls {
  readonly certificate: string;
  readonly key: string;
  /** Only clients with a certificate of this authority are let in. */
  readonly clientCa?: string | undefined;
}

/** How long clients may take, and how many there may be. */
export interface ConnectionLimits extends ConnectionBounds {
  readonly headerMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** For a whole request with its body. */
  readonly requestMs: number;
}

export interface ListenOptions {
  readonly tls?: ServerTls | undefined;
  readonly limits?: ConnectionLimits | undefined;
}

export interface RunningServer {
  readonly url: string;
  /** Lets requests that are under way end, for a while. Closing once more does nothing. */
  close(): Promise<void>;
}

/**
 * Node's own limit, said here because the node relies on it: request line and headers. Larger ones are
 * answered 431.
 */
const MAX_HEADER_BYTES = 16_384;

/** How often it is looked who takes too long; of itself Node does so every 30 s. */
const CHECKING_MS = 2_000;

/** How long requests that are under way may go on when the server closes. */
const CLOSE_GRACE_MS = 2_000;

/** @param port 0: a free one */
export async function listen(
  handler: http.RequestListener,
  host: string,
  port: number,
  { tls, limits }: ListenOptions = {},
): Promise<RunningServer> {
  const server = createServer(handler, tls, limits);
  server.listen(port, host);
  await once(server, 'listening');
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      // Event streams would stay open for ever.
      const hard = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      await closed;
      clearTimeout(hard);
    },
  };
}

function createServer(
  handler: http.RequestListener,
  tls: ServerTls | undefined,
  limits: ConnectionLimits | undefined,
): http.Server | https.Server {
  if (!limits) return createOne(handler, tls, { maxHeaderSize: MAX_HEADER_BYTES });
  const connections = new Connections(limits);
  const bounded: http.RequestListener = (request, response) => {
    if (connections.request(request, response)) handler(request, response);
  };
  const server = createOne(bounded, tls, {
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: CHECKING_MS,
    headersTimeout: limits.headerMs,
    requestTimeout: limits.requestMs,
    // Of TLS: without it a connection that says nothing would have two minutes.
    ...(tls ? { handshakeTimeout: limits.headerMs } : {}),
  });
  server.timeout = limits.idleMs;
  return server.on('connection', (socket: Socket) => connections.admit(socket));
}

function createOne(
  handler: http.RequestListener,
  tls: ServerTls | undefined,
  options: https.ServerOptions,
): http.Server | https.Server {
  if (!tls) return http.createServer(options, handler);
  const { certificate, key, clientCa } = tls;
  return https.createServer(
    {
      ...options,
      cert: certificate,
      key,
      minVersion: 'TLSv1.2',
      ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
    },
    handler,
  );
}
