import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Request, type Response, Router } from 'express';
import { HttpError } from '../http-error.ts';
import { browserModules } from './browser-modules.ts';

interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly compressed: Buffer;
  readonly etag: string;
}

/** Browsers ask each time whether a file has changed, so that a new version shows at once. */
const CACHE_CONTROL = 'no-cache';

/**
 * Styles and scripts of the pages, at /assets: from this program and its packages alone, compressed once.
 * They are read when the first is asked for.
 */
export function assetRoutes(): Router {
  let assets: Promise<ReadonlyMap<string, Asset>> | undefined;
  const router = Router();
  router.get('/{*name}', async (request, response) => {
    assets ??= readAssets();
    const asset = (await assets).get(request.path.slice(1));
    if (!asset) throw new HttpError('NOT_FOUND', 'there is no such file');
    send(asset, request, response);
  });
  return router;
}

function send({ type, bytes, compressed, etag }: Asset, request: Request, response: Response): void {
  response.set({ 'Cache-Control': CACHE_CONTROL, ETag: etag, Vary: 'Accept-Encoding' }).type(type);
  if (request.headers['if-none-match'] === etag) response.status(304).end();
  else if (request.acceptsEncodings('gzip')) response.set('Content-Encoding', 'gzip').end(compressed);
  else response.end(bytes);
}

async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const here = (file: string) => readFileSync(path.join(import.meta.dirname, file));
  const uplot = path.dirname(new URL(import.meta.resolve('uplot')).pathname);
  const chart = readFileSync(path.join(uplot, 'uPlot.min.css'));
  return new Map([
    ['style.css', assetOf('css', Buffer.concat([here('style.css'), chart]))],
    ['icon.svg', assetOf('image/svg+xml', here('icon.svg'))],
    ['uplot.js', assetOf('js', readFileSync(path.join(uplot, 'uPlot.iife.min.js')))],
    ...[...(await browserModules())].map(
      ([name, script]) => [name, assetOf('js', Buffer.from(script))] as const,
    ),
  ]);
}

function assetOf(type: string, bytes: Buffer): Asset {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { type, bytes, compressed: gzipSync(bytes), etag };
}
