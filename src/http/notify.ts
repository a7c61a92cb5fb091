import express, { Router } from 'express';
import { z } from 'zod';
import { uidSchema } from './api/operation.ts';

const MAX_BODY = '16kb';

const notificationSchema = z.strictObject({
  studyInstanceUid: uidSchema,
  /** AE title of who sent the study to the archive (PS3.5 section 6.2, AE); empty where it is not known. */
  callingAeTitle: z
    .string()
    .regex(/^[\x20-\x5b\x5d-\x7e]{0,16}$/, 'must be an AE title')
    .optional(),
});

export interface StudyNotification {
  readonly studyInstanceUid: string;
  readonly callingAeTitle?: string;
}

/**
 * POST /: an archive says that a study is there, as Orthanc does when it becomes stable. Answers 202 when the
 * node has remembered it, 400 for anything else than such a body. The node still looks for itself whether the
 * study is complete.
 */
export function notifyRoutes(announce: (study: StudyNotification) => Promise<void>): Router {
  const router = Router();
  router.post('/', express.json({ limit: MAX_BODY, type: () => true }), async (request, response) => {
    const { studyInstanceUid, callingAeTitle } = notificationSchema.parse(request.body);
    const sender = callingAeTitle?.trim();
    await announce({ studyInstanceUid, ...(sender ? { callingAeTitle: sender } : {}) });
    response.status(202).json({ status: 'announced' });
  });
  return router;
}
