import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import { MAX_UID_LENGTH, UID_PATTERN } from '../../dicom/uids.ts';
import type { HttpErrorCode } from '../http-error.ts';

/** One thing that the API does: what serves it, and what the OpenAPI document says of it. */
export interface Operation {
  readonly method: 'get' | 'post' | 'delete';
  /** Below /api, parameters in braces: `/studies/{uid}`. */
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  readonly answer: {
    readonly status: number;
    readonly description: string;
    readonly type?: string;
    /** Of JSON answers. */
    readonly schema?: z.ZodType;
  };
  /** Beside BAD_REQUEST, UNAUTHENTICATED and FORBIDDEN, which every request may meet. */
  readonly errors?: readonly HttpErrorCode[];
  readonly handle: RequestHandler | RequestHandler[];
}

/** `/studies/{uid}` as Express writes it. */
export function routerOf(operations: readonly Operation[]): Router {
  const router = Router();
  for (const { method, path, handle } of operations) {
    router[method](path.replaceAll(/\{(\w+)\}/g, ':$1'), handle);
  }
  return router;
}

/** A UID: PS3.5 section 9.1. */
export const uidSchema = z.string().max(MAX_UID_LENGTH).regex(UID_PATTERN, { error: 'is not a UID' });
