import { z } from 'zod';

/** pg-boss gives no job more than 24 hours; a study's own limit has to come first. */
const MAX_STUDY_MINUTES = 23 * 60;

const minutes = z.number().positive().max(MAX_STUDY_MINUTES);

export const queueSchema = z.strictObject({
  concurrency: z.int().positive(),
  retries: z.int().nonnegative(),
  retryDelaySeconds: z.int().positive(),
  retryDelayMaxSeconds: z.int().positive(),
  heartbeatSeconds: z.number().min(1),
  takeovers: z.int().nonnegative(),
  studyTimeoutMinutes: minutes,
  stageTimeoutMinutes: z.strictObject({ retrieve: minutes, segment: minutes, store: minutes }),
});
