import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createAuthority } from './certificates.ts';
import { run } from './release.ts';

export interface NpmRegistry {
  readonly url: string;
  /** PEM file of the authority that signed its certificate. */
  readonly authority: string;
  /** What npm has to be told (.npmrc). */
  readonly settings: string;
  /** How many packages were fetched from it. */
  readonly fetched: () => number;
  stop(): void;
}

/** A hospital's registry: behind TLS of an authority of its own, with a password; it passes on what npm's has. */
export async function startNpmRegistry(password: string): Promise<NpmRegistry> {
  const above = run('npm', ['config', 'get', 'registry']).trim();
  const authority = createAuthority('registry of the test');
  const { certificate: cert, key } = authority.issue('registry', 'IP:127.0.0.1');
  let fetched = 0;
  const server = createServer({ cert, key }, (request, response) => {
    if (request.headers.authorization !== `Bearer ${password}`) {
      response.writeHead(401).end();
      return;
    }
    const accept = request.headers.accept ?? '*/*';
    fetch(new URL(request.url ?? '', above), { headers: { accept } }).then(
      (answer) => {
        if (request.url?.endsWith('.tgz')) fetched++;
        response.writeHead(answer.status, { 'Content-Type': answer.headers.get('Content-Type') ?? '' });
        // Node's own kind of stream, which its types tell from the browser's.
        const body = answer.body as ReadableStream | null;
        if (body) Readable.fromWeb(body).pipe(response);
        else response.end();
      },
      () => response.writeHead(502).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const place = `//127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url: `https:${place}`,
    authority: authority.certificateFile,
    settings: `registry=https:${place}\n${place}:_authToken=${password}\n`,
    fetched: () => fetched,
    stop: () => {
      server.close();
      server.closeAllConnections();
      authority.remove();
    },
  };
}
