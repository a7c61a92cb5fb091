import { Router } from 'express';
import { z } from 'zod';
import type { StudyDetails } from '../pipeline/records/study-details.ts';

export interface StudiesApi {
  list(page: { limit: number; offset: number }): Promise<StudyDetails[]>;
  find(studyInstanceUid: string): Promise<StudyDetails | undefined>;
  /** Puts the study in the queue again. */
  process(studyInstanceUid: string): Promise<void>;
}

const MAX_PAGE = 500;
const pageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
  offset: z.coerce.number().int().min(0).default(0),
});

/** A UID: PS3.5 section 9.1. */
const uidSchema = z
  .string()
  .max(64)
  .regex(/^[0-9]+(\.[0-9]+)*$/);

export function studiesApi(studies: StudiesApi): Router {
  const router = Router();
  router.get('/studies', async (request, response) => {
    response.json({ studies: await studies.list(pageSchema.parse(request.query)) });
  });
  router.get('/studies/:uid', async (request, response) => {
    const details = await studies.find(uidSchema.parse(request.params.uid));
    if (details) response.json(details);
    else response.status(404).json({ code: 'STUDY_UNKNOWN', message: 'the node has not seen this study' });
  });
  router.post('/studies/:uid/process', async (request, response) => {
    await studies.process(uidSchema.parse(request.params.uid));
    response.status(202).json({ status: 'queued' });
  });
  return router;
}
