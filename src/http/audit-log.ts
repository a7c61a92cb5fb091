import { createReadStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import express, { type Router } from 'express';
import { auditFiles } from '../audit/verify.ts';
import { HttpError } from './http-error.ts';

/**
 * The audit log for operators. `/`: the days that there are; `/2026-03-01`: the lines of one.
 * @param folder null: none is kept
 */
export function auditLogRoutes(folder: string | null): Router {
  const router = express.Router();
  const days = async (): Promise<string[]> =>
    folder === null
      ? []
      : (await auditFiles(folder)).map((file) => file.slice('audit-'.length, -'.log'.length));
  router.get('/', async (_request, response) => {
    response.json({ days: await days() });
  });
  router.get('/:day', async (request, response) => {
    const { day } = request.params;
    // Only what the folder is known to hold: nothing of a request becomes a path.
    const known = (await days()).find((one) => one === day);
    if (folder === null || known === undefined)
      throw new HttpError('NOT_FOUND', 'there is no audit log of this day');
    response.type('text/plain').set('Cache-Control', 'no-store');
    await pipeline(createReadStream(path.join(folder, `audit-${known}.log`)), response);
  });
  return router;
}
