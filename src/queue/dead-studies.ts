import { z } from 'zod';
import type { Sql } from '../store/database/sql.ts';
import { DEAD_LETTER_QUEUE } from './queue-names.ts';
import { type StudyJob, studyJobSchema } from './study-job.ts';

/** A study that is not tried again by itself, and why. */
export interface DeadStudy {
  readonly studyInstanceUid: string;
  /** Stable code of the last failure. */
  readonly code: string;
  readonly reason: string;
  readonly failedAt: Date;
  /** How often it was tried. */
  readonly tries: number;
}

const failureSchema = z.object({ code: z.string(), reason: z.string() });

/** What pg-boss itself writes where it gave a job up, as no process had settled it within a day. */
const ABANDONED = { code: 'STUDY_TIMEOUT', reason: 'the process that worked on it never said how it ended' };

const deadRow = z
  .object({
    study_instance_uid: z.string(),
    failure: failureSchema.catch(ABANDONED),
    failed_at: z.date(),
    tries: z.int(),
  })
  .transform(
    ({ study_instance_uid, failure, failed_at, tries }): DeadStudy => ({
      studyInstanceUid: study_instance_uid,
      code: failure.code,
      reason: failure.reason,
      failedAt: failed_at,
      tries,
    }),
  );

/** The studies that were given up, the latest first. */
export async function deadStudies(
  sql: Sql,
  { limit, offset }: { limit: number; offset: number },
): Promise<DeadStudy[]> {
  const rows = await sql.query(
    `SELECT data->>'studyInstanceUid' AS study_instance_uid, source_output AS failure, created_on AS failed_at,
            coalesce(source_retry_count, 0) + 1 AS tries
     FROM pgboss.job WHERE name = $1 AND state < 'active' ORDER BY created_on DESC, id LIMIT $2 OFFSET $3`,
    [DEAD_LETTER_QUEUE, limit, offset],
  );
  return z.array(deadRow).parse(rows);
}

/** The job of a study that was given up. */
export async function findDead(sql: Sql, studyInstanceUid: string): Promise<StudyJob | undefined> {
  const rows = await sql.query(
    `SELECT data FROM pgboss.job WHERE name = $1 AND singleton_key = $2 ORDER BY created_on DESC LIMIT 1`,
    [DEAD_LETTER_QUEUE, studyInstanceUid],
  );
  return z.array(z.object({ data: studyJobSchema })).parse(rows)[0]?.data;
}
