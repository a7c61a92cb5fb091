import { z } from 'zod';
import type { Sql } from '../store/database/sql.ts';
import { deadJobs } from '../store/queue/pgboss-tables.ts';
import { affected, inTransaction, type JobEngine } from './job-engine.ts';
import { DEAD_LETTER_QUEUE, EARLIER_DEAD_LETTER_QUEUE, EARLIER_QUEUE } from './queue-names.ts';
import { ARRIVAL, type StudyJob, studyJobSchema } from './study-job.ts';

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

/** Where the jobs of a queue end. */
export const deadLettersOf = (queue: string): string =>
  queue === EARLIER_QUEUE ? EARLIER_DEAD_LETTER_QUEUE : DEAD_LETTER_QUEUE;

/** Work behind the others that is not tried again by itself. */
export interface DeadEarlier extends DeadStudy {
  /** Where something was to be measured again: by which model, and how. */
  readonly measureWith?: StudyJob['measureWith'];
}

/** What pg-boss itself writes where it gave a job up, as no process had settled it within a day. */
const ABANDONED = { code: 'STUDY_TIMEOUT', reason: 'the process that worked on it never said how it ended' };

const failureSchema = z.object({ code: z.string(), reason: z.string() });

/** A study that never came as far as the queue carries its failure along. */
const carriedSchema = z.object({ failure: failureSchema.extend({ tries: z.int() }).optional() });

/** The studies that were given up, the latest first. */
export async function deadStudies(sql: Sql, page: { limit: number; offset: number }): Promise<DeadStudy[]> {
  const jobs = await deadJobs(sql, DEAD_LETTER_QUEUE, page);
  return jobs.map(({ data, output, failedAt, tries }) => {
    const { studyInstanceUid } = studyJobSchema.pick({ studyInstanceUid: true }).parse(data);
    const { failure } = carriedSchema.parse(data);
    return {
      studyInstanceUid,
      failedAt,
      tries,
      ...(failure ?? failureSchema.catch(ABANDONED).parse(output)),
    };
  });
}

/** The work behind the others that was given up, the latest first. */
export async function deadEarlier(sql: Sql, page: { limit: number; offset: number }): Promise<DeadEarlier[]> {
  const jobs = await deadJobs(sql, EARLIER_DEAD_LETTER_QUEUE, page);
  return jobs.map(({ data, output, ...when }) => {
    const { studyInstanceUid, measureWith } = studyJobSchema.parse(data);
    const failure = failureSchema.catch(ABANDONED).parse(output);
    return { studyInstanceUid, ...when, ...failure, ...(measureWith ? { measureWith } : {}) };
  });
}

const jobsOf = ({ boss }: JobEngine, sql: Sql, key: string, queue = DEAD_LETTER_QUEUE) =>
  boss.findJobs(queue, { key, queued: true, ...inTransaction(sql) });

/** The job of a study that was given up. */
export async function findDead(
  engine: JobEngine,
  sql: Sql,
  studyInstanceUid: string,
): Promise<StudyJob | undefined> {
  const latest = (await jobsOf(engine, sql, studyInstanceUid)).at(-1);
  return latest && studyJobSchema.parse(latest.data);
}

/**
 * Takes a study from the list of those that were given up.
 * @param key see `keyOf`
 * @param how.except but for the job that was given up just now
 */
export async function dropDead(
  engine: JobEngine,
  sql: Sql,
  key: string,
  { from = DEAD_LETTER_QUEUE, except }: { from?: string; except?: string } = {},
): Promise<boolean> {
  const ids = (await jobsOf(engine, sql, key, from))
    .filter(({ sourceId }) => sourceId !== except)
    .map(({ id }) => id);
  if (ids.length === 0) return false;
  return affected(await engine.boss.deleteJob(from, ids, inTransaction(sql))) > 0;
}

/** Why a study was given up that was never in the queue. */
export interface GivenUp {
  readonly studyInstanceUid: string;
  readonly code: string;
  readonly reason: string;
  readonly tries: number;
}

/** Puts a study among those that were given up, though it was never in the queue; once. */
export async function addDead(
  engine: JobEngine,
  sql: Sql,
  { studyInstanceUid, ...failure }: GivenUp,
): Promise<void> {
  if ((await jobsOf(engine, sql, studyInstanceUid)).length > 0) return;
  const job: StudyJob = { studyInstanceUid, reason: 'watched', requestId: ARRIVAL, takeovers: 0 };
  const options = { singletonKey: studyInstanceUid, ...inTransaction(sql) };
  await engine.boss.send(DEAD_LETTER_QUEUE, { ...job, failure }, options);
}

/** Takes a study back that was never in the queue, and nothing that a run left there. */
export async function takeBackDead(engine: JobEngine, sql: Sql, studyInstanceUid: string): Promise<void> {
  const ids = (await jobsOf(engine, sql, studyInstanceUid))
    .filter(({ data }) => carriedSchema.safeParse(data).data?.failure)
    .map(({ id }) => id);
  if (ids.length > 0) await engine.boss.deleteJob(DEAD_LETTER_QUEUE, ids, inTransaction(sql));
}
