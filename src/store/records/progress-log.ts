import { z } from 'zod';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

/** How far the work on a study is: written by whichever worker has it, shown by every gateway. */
const progressRow = z.object({
  studyInstanceUid: z.string(),
  stage: z.string(),
  /** What is worked on: a series description, or the study's UID. Never a patient's name. */
  subject: z.string(),
  /** Of the stage, from 0 to 1; undefined where it is too short to tell. */
  fraction: orUndefined(z.number()),
  /** Of the stage, by what was done of it. */
  secondsLeft: orUndefined(z.number()),
  updatedAt: z.date(),
});
export type StudyProgress = Readonly<z.output<typeof progressRow>>;
const PROGRESS_COLUMNS = columnsOf(progressRow);

async function recordProgress(sql: Sql, progress: StudyProgress): Promise<void> {
  const { studyInstanceUid, stage, subject, fraction, secondsLeft, updatedAt } = progress;
  await sql.query(
    `INSERT INTO pansegnet.study_progress
       (study_instance_uid, stage, subject, fraction, seconds_left, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (study_instance_uid) DO UPDATE SET
       stage = $2, subject = $3, fraction = $4, seconds_left = $5, updated_at = $6
     WHERE study_progress.updated_at <= $6`,
    [studyInstanceUid, stage, subject.replaceAll('\0', ''), fraction ?? null, secondsLeft ?? null, updatedAt],
  );
}

/** A stage of the work that begins or goes on. */
interface StageProgress {
  readonly stage: string;
  readonly subject: string;
  readonly done?: number;
  readonly total?: number;
  readonly secondsLeft?: number;
}

/** Within a stage, progress is written this often: a person sees no more, and the database has other work. */
const LEAST_MS = 500;

/**
 * A listener that writes the progress of one study: each new stage, and in long stages what is done from time
 * to time.
 * @param onError told where that fails; the work goes on, nobody's result depends on it
 */
export function progressWriter(
  sql: Sql,
  studyInstanceUid: string,
  { now, onError }: { now: () => Date; onError: (error: unknown) => void },
): (event: StageProgress) => void {
  let last = { stage: '', subject: '', at: 0 };
  // One after the other, also where the database has several connections.
  let written: Promise<void> = Promise.resolve();
  return ({ stage, subject, done, total, secondsLeft }) => {
    const updatedAt = now();
    const isNews = stage !== last.stage || subject !== last.subject;
    if (!isNews && updatedAt.getTime() - last.at < LEAST_MS) return;
    last = { stage, subject, at: updatedAt.getTime() };
    const fraction = done === undefined || !total ? undefined : Math.min(1, done / total);
    const progress = { studyInstanceUid, stage, subject, fraction, secondsLeft, updatedAt };
    written = written.then(() => recordProgress(sql, progress)).catch(onError);
  };
}

export async function progressOfStudies(
  sql: Sql,
  studyInstanceUids: readonly string[],
): Promise<ReadonlyMap<string, StudyProgress>> {
  if (studyInstanceUids.length === 0) return new Map();
  const rows = await sql.query(
    `SELECT ${PROGRESS_COLUMNS} FROM pansegnet.study_progress WHERE study_instance_uid = ANY($1::text[])`,
    [studyInstanceUids],
  );
  return new Map(rowsOf(progressRow, rows).map((one) => [one.studyInstanceUid, one]));
}

/** What was written at that time or later, oldest first. */
export async function progressSince(sql: Sql, since: Date): Promise<StudyProgress[]> {
  const rows = await sql.query(
    `SELECT ${PROGRESS_COLUMNS} FROM pansegnet.study_progress WHERE updated_at >= $1 ORDER BY updated_at`,
    [since],
  );
  return rowsOf(progressRow, rows);
}
