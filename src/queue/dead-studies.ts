import { z } from 'zod';
import type { Sql } from '../store/database/sql.ts';
import { deadJobs } from '../store/queue/pgboss-tables.ts';
import { affected, inTransaction, type JobEngine } from './job-engine.ts';
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

/** What pg-boss itself writes where it gave a job up, as no process had settled it within a day. */
const ABANDONED = { code: 'STUDY_TIMEOUT', reason: 'the process that worked on it never said how it ended' };

const failureSchema = z.object({ code: z.string(), reason: z.string() }).catch(ABANDONED);

/** The studies that were given up, the latest first. */
export async function deadStudies(sql: Sql, page: { limit: number; offset: number }): Promise<DeadStudy[]> {
  const jobs = await deadJobs(sql, DEAD_LETTER_QUEUE, page);
  return jobs.map(({ data, output, failedAt, tries }) => {
    const { studyInstanceUid } = studyJobSchema.pick({ studyInstanceUid: true }).parse(data);
    return { studyInstanceUid, ...failureSchema.parse(output), failedAt, tries };
  });
}

const jobsOf = ({ boss }: JobEngine, sql: Sql, studyInstanceUid: string) =>
  boss.findJobs(DEAD_LETTER_QUEUE, { key: studyInstanceUid, queued: true, ...inTransaction(sql) });

/** The job of a study that was given up. */
export async function findDead(
  engine: JobEngine,
  sql: Sql,
  studyInstanceUid: string,
): Promise<StudyJob | undefined> {
  const latest = (await jobsOf(engine, sql, studyInstanceUid)).at(-1);
  return latest && studyJobSchema.parse(latest.data);
}

/** Takes a study from the list of those that were given up, but for the job that was given up just now. */
export async function dropDead(
  engine: JobEngine,
  sql: Sql,
  studyInstanceUid: string,
  exceptSource?: string,
): Promise<boolean> {
  const ids = (await jobsOf(engine, sql, studyInstanceUid))
    .filter(({ sourceId }) => sourceId !== exceptSource)
    .map(({ id }) => id);
  if (ids.length === 0) return false;
  return affected(await engine.boss.deleteJob(DEAD_LETTER_QUEUE, ids, inTransaction(sql))) > 0;
}
