import type { Request, RequestHandler } from 'express';

/** STOW-RS (PS3.18 10.5), below any base path: studies take their time. */
const STORES = /\/dicom-web\/studies(\/[^/]*)?\/?$/i;

const takesTime = ({ method, path }: Request): boolean => method === 'POST' && STORES.test(path);

const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/**
 * The body of every request but those that store has to have come within this time; else 408, and the
 * connection ends.
 */
export function limitBodyTime(milliseconds: number): RequestHandler {
  return (request, response, next) => {
    if (hasBody(request) && !takesTime(request)) {
      const timer = setTimeout(() => {
        if (request.complete) return;
        // Where it has been answered already, the rest of the body is what keeps the connection.
        if (response.headersSent) {
          request.socket.destroy();
          return;
        }
        response.set('Connection', 'close').status(408);
        response.json({ code: 'REQUEST_TIMEOUT', message: 'the body of the request did not come in time' });
      }, milliseconds).unref();
      request.once('close', () => clearTimeout(timer));
    }
    next();
  };
}
