import type { ErrorRequestHandler } from 'express';
import { z } from 'zod';
import { causesOf, codeOf } from '../coded-error.ts';
import { HttpError } from './http-error.ts';

const RETRY_AFTER_SECONDS = 30;

/** The system's codes of a full disk or quota, and PostgreSQL's (disk_full). */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', '53100']);

/**
 * The last word on a request that failed: JSON with a stable code and a message, and nothing of the program's
 * inside. What is wrong with a request is never a 5xx.
 */
export function errorAnswer(onError: (error: unknown) => void): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, request, response, _next) => {
    if (response.headersSent || request.socket.destroyed) {
      response.destroy(); // half an answer must not look like a whole one
      return;
    }
    const { status, code, message } = describe(error);
    // A refusal with a status of 500 or more tells in its cause what went wrong behind it.
    if (status >= 500 && !(error instanceof HttpError && error.cause === undefined)) onError(error);
    if (!request.readableEnded) {
      // The rest of a refused body is thrown away, and the connection ends, so that no request waits behind
      // it.
      response.setHeader('Connection', 'close');
      request.resume();
    }
    if (status === 503 && !response.hasHeader('Retry-After')) {
      response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
    }
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    response.status(status).json({ code, message });
  };
}

function describe(error: unknown): { status: number; code: string; message: string } {
  if (error instanceof HttpError) return error;
  if (error instanceof z.ZodError) {
    return { status: 400, code: 'BAD_REQUEST', message: z.prettifyError(error) };
  }
  if (causesOf(error).some((cause) => FULL.has(codeOf(cause) ?? ''))) {
    return { status: 503, code: 'UNAVAILABLE', message: 'the disk of the node or of its database is full' };
  }
  if (causesOf(error).some((cause) => codeOf(cause) === 'DATABASE_UNUSABLE')) {
    return { status: 503, code: 'UNAVAILABLE', message: 'the database of the node cannot be used just now' };
  }
  const status = statusOfFramework(error);
  if (status === 413) return { status, code: 'TOO_LARGE', message: 'the body is too large' };
  if (status !== undefined) return { status, code: 'BAD_REQUEST', message: 'the request is malformed' };
  return { status: 500, code: 'INTERNAL', message: 'the request failed; the log says why' };
}

/**
 * Express and its body parsers refuse with errors that have a status in the 400s: URIError for broken escapes
 * in a path, else `expose`. Errors of our own that have a status, such as an archive's answer, are not about
 * the request.
 */
function statusOfFramework(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  const aboutRequest = error instanceof URIError || ('expose' in error && error.expose === true);
  return aboutRequest && error.status >= 400 && error.status < 500 ? error.status : undefined;
}
