import { pipeline } from 'node:stream/promises';
import express, { type Router } from 'express';
import { auditFiles, dayOf, readAuditFile } from '../audit/days.ts';
import { HttpError } from './http-error.ts';

/**
 * The audit log for operators. `/`: the days that there are; `/2026-03-01`: the lines of one.
 * @param folder null: none is kept
 */
export function auditLogRoutes(folder: string | null): Router {
  const router = express.Router();
  const files = async (): Promise<string[]> => (folder === null ? [] : auditFiles(folder));
  router.get('/', async (_request, response) => {
    response.json({ days: (await files()).map(dayOf) });
  });
  router.get('/:day', async (request, response) => {
    const { day } = request.params;
    // Only what the folder is known to hold: nothing of a request becomes a path.
    const file = (await files()).find((one) => dayOf(one) === day);
    if (folder === null || file === undefined)
      throw new HttpError('NOT_FOUND', 'there is no audit log of this day');
    response.type('text/plain').set('Cache-Control', 'no-store');
    await pipeline(readAuditFile(folder, file), response);
  });
  return router;
}
