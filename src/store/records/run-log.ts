import { z } from 'zod';
import { columnsOf, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { markEnded } from './study-log.ts';

/**
 * What a run fixed before it wrote anything, so that a run that was killed and begun again writes the same
 * bytes. A run is the same run while study, counts (fingerprint) and request are the same.
 */
const runRow = z.object({ id: z.int(), studyInstanceUid: z.string(), fingerprint: z.string() });
export type Run = Readonly<z.output<typeof runRow>>;

/**
 * @param begin.requestId who asked: a new one starts a new run for the same counts (see `StudyJob.requestId`)
 */
export async function beginRun(
  sql: Sql,
  begin: { studyInstanceUid: string; fingerprint: string; requestId: string; now: Date },
): Promise<Run> {
  await sql.query(
    `INSERT INTO pansegnet.study (study_instance_uid, state, first_seen_at, changed_at)
     VALUES ($1, 'running', $2, $2) ON CONFLICT DO NOTHING`,
    [begin.studyInstanceUid, begin.now],
  );
  const rows = await sql.query(
    `INSERT INTO pansegnet.run (study_instance_uid, fingerprint, request_id, content_date_time, starts)
     VALUES ($1, $2, $3, $4, 1)
     ON CONFLICT (study_instance_uid, fingerprint, request_id) DO UPDATE SET starts = run.starts + 1
     RETURNING ${columnsOf(runRow)}`,
    [begin.studyInstanceUid, begin.fingerprint, begin.requestId, begin.now],
  );
  return z.tuple([runRow]).parse(rows)[0];
}

/**
 * The study says how it ended, where the run that would begin is over, with results, and no other counts were
 * dealt with since.
 * @param begin.byAny whoever asked for the run that is over
 */
export async function confirmDone(
  sql: Sql,
  begin: { studyInstanceUid: string; fingerprint: string; requestId: string; byAny?: boolean; now: Date },
): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM pansegnet.run JOIN pansegnet.study USING (study_instance_uid)
     WHERE study_instance_uid = $1 AND fingerprint = $2 AND (request_id = $3 OR $4) AND outcome = 'done'
       AND processed_fingerprint = $2`,
    [begin.studyInstanceUid, begin.fingerprint, begin.requestId, begin.byAny ?? false],
  );
  if (rows.length === 0) return false;
  await markEnded(sql, { studyInstanceUid: begin.studyInstanceUid, state: 'done', now: begin.now });
  return true;
}

/** Whether a run for this request has ended, well or with nothing to do, on these counts. */
export async function hasEnded(
  sql: Sql,
  of: { studyInstanceUid: string; fingerprint: string; requestId: string },
): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM pansegnet.run WHERE study_instance_uid = $1 AND fingerprint = $2 AND request_id = $3
       AND outcome IS NOT NULL`,
    [of.studyInstanceUid, of.fingerprint, of.requestId],
  );
  return rows.length > 0;
}

/**
 * Loads what a run depends on besides the images (earlier volumes, the report that it supersedes) once, and
 * gives the same to every later start of that run.
 * @param slot which of the run's results it is for
 * @param load must give JSON: no Date, no undefined
 */
export async function freezeInput<T>(
  sql: Sql,
  run: Run,
  slot: string,
  schema: z.ZodType<T>,
  load: () => Promise<T>,
): Promise<T> {
  const frozen = await sql.query('SELECT value FROM pansegnet.run_input WHERE run_id = $1 AND slot = $2', [
    run.id,
    slot,
  ]);
  if (frozen[0]) return schema.parse(frozen[0]['value']);
  const value = await load();
  // A process that was taken for dead may still be at the same run: what was written first counts.
  const kept = await sql.query(
    `INSERT INTO pansegnet.run_input (run_id, slot, value) VALUES ($1, $2, $3::jsonb)
     ON CONFLICT (run_id, slot) DO UPDATE SET value = run_input.value RETURNING value`,
    [run.id, slot, JSON.stringify(value)],
  );
  return schema.parse(kept[0]?.['value']);
}

/**
 * What was frozen under this name: by a run, or by the latest of a study that has it.
 * @returns undefined where nothing was
 */
export async function lastInput<T>(
  sql: Sql,
  of: Pick<Run, 'id'> | Pick<Run, 'studyInstanceUid'>,
  slot: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const [where, value] = 'id' in of ? ['run.id', of.id] : ['run.study_instance_uid', of.studyInstanceUid];
  const rows = await sql.query(
    `SELECT run_input.value FROM pansegnet.run_input JOIN pansegnet.run ON run.id = run_input.run_id
     WHERE ${where} = $1 AND slot = $2 ORDER BY run.id DESC LIMIT 1`,
    [value, slot],
  );
  return rows[0] && schema.parse(rows[0]['value']);
}

/**
 * The time that was first asked for under this name, for ever: the content time of a result whose UID doesn't
 * depend on the run, such as the SEG of a series that a later run finds unchanged.
 */
export async function fixedTime(sql: Sql, name: string, now: Date): Promise<Date> {
  const rows = await sql.query(
    `INSERT INTO pansegnet.fixed_time (name, at) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET at = fixed_time.at RETURNING at`,
    [name, now],
  );
  return z.tuple([z.object({ at: z.date() })]).parse(rows)[0].at;
}

const decisionRow = z.object({
  seriesInstanceUid: z.string(),
  description: z.string(),
  /** What the rules took it for: CT_ABDOMEN, T1W, T2W or NONE. */
  class: z.string(),
  chosen: z.boolean(),
  /** In plain words. */
  reason: z.string(),
});
export type RecordedDecision = Readonly<z.output<typeof decisionRow>>;

/** Keeps the latest decisions for a study, in their order, in place of earlier ones. */
export async function recordDecisions(
  sql: Sql,
  studyInstanceUid: string,
  decisions: readonly RecordedDecision[],
): Promise<void> {
  await sql.query('DELETE FROM pansegnet.series_decision WHERE study_instance_uid = $1', [studyInstanceUid]);
  for (const [place, decision] of decisions.entries()) {
    await sql.query(
      `INSERT INTO pansegnet.series_decision
         (study_instance_uid, place, series_instance_uid, description, class, chosen, reason)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (study_instance_uid, place) DO UPDATE SET series_instance_uid =
       excluded.series_instance_uid,
         description = excluded.description, class = excluded.class, chosen = excluded.chosen,
         reason = excluded.reason`,
      [
        studyInstanceUid,
        place,
        decision.seriesInstanceUid,
        // PostgreSQL takes no NUL in a text; a broken header may hold one, and the reason repeats words of
        // it.
        decision.description.replaceAll('\0', ''),
        decision.class,
        decision.chosen,
        decision.reason.replaceAll('\0', ''),
      ],
    );
  }
}

/** The decisions for several studies, each study's in their order. */
export async function decisionsOfStudies(
  sql: Sql,
  studyInstanceUids: readonly string[],
): Promise<ReadonlyMap<string, readonly RecordedDecision[]>> {
  if (studyInstanceUids.length === 0) return new Map();
  const rows = await sql.query(
    `SELECT ${columnsOf(decisionOfStudyRow)} FROM pansegnet.series_decision
     WHERE study_instance_uid = ANY($1::text[]) ORDER BY place`,
    [studyInstanceUids],
  );
  const byStudy = Map.groupBy(rowsOf(decisionOfStudyRow, rows), ({ studyInstanceUid }) => studyInstanceUid);
  return new Map([...byStudy].map(([study, decisions]) => [study, rowsOf(decisionRow, decisions)]));
}
const decisionOfStudyRow = decisionRow.extend({ studyInstanceUid: z.string() });

/** The reports of the latest run on these counts that took all that the rules choose; see `finishRun`. */
export async function latestReports(
  sql: Sql,
  studyInstanceUid: string,
  fingerprint: string,
): Promise<readonly string[] | undefined> {
  const rows = await sql.query(
    `SELECT reports FROM pansegnet.run
     WHERE study_instance_uid = $1 AND fingerprint = $2 AND outcome IS NOT NULL AND reports IS NOT NULL
     ORDER BY finished_at DESC, id DESC LIMIT 1`,
    [studyInstanceUid, fingerprint],
  );
  return rowsOf(z.object({ reports: z.array(z.string()) }), rows)[0]?.reports;
}

/** So many of the latest runs say how long one takes. */
const TIMED_RUNS = 50;

/**
 * What a study takes that is processed, in seconds: the median of the latest; undefined before there was one.
 */
export async function secondsPerStudy(sql: Sql): Promise<{ seconds: number; runs: number } | undefined> {
  const rows = await sql.query(
    `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds, count(*)::int AS runs FROM (
       SELECT extract(epoch FROM finished_at - content_date_time)::float8 AS seconds FROM pansegnet.run
       WHERE outcome = 'done' AND starts = 1 ORDER BY id DESC LIMIT ${TIMED_RUNS}) AS latest`,
  );
  const timed = z.tuple([z.object({ seconds: z.number().nullable(), runs: z.int() })]).parse(rows)[0];
  return timed.seconds === null ? undefined : { seconds: timed.seconds, runs: timed.runs };
}

/** The run is over; the study stands where it stood. */
export async function closeRun(
  sql: Sql,
  run: Run,
  end: { outcome: 'done' | 'skipped'; reports?: readonly string[]; now: Date },
): Promise<void> {
  await sql.query(
    'UPDATE pansegnet.run SET outcome = $2, finished_at = $3, reports = $4::jsonb WHERE id = $1',
    [run.id, end.outcome, end.now, end.reports ? JSON.stringify(end.reports) : null],
  );
}

/**
 * The run is over, and the study says how it ended.
 * @param end.ofOneSeries the run took only the series that a person named, or stored nothing; else these
 * counts need no other run
 * @param end.reports SOP Instance UIDs of the reports that the run gave or confirmed
 */
export async function finishRun(
  sql: Sql,
  run: Run,
  end: {
    outcome: 'done' | 'skipped';
    reason?: string | undefined;
    ofOneSeries?: boolean;
    reports?: readonly string[];
    now: Date;
  },
): Promise<void> {
  await closeRun(sql, run, end.ofOneSeries ? { outcome: end.outcome, now: end.now } : end);
  if (!end.ofOneSeries) {
    await sql.query('UPDATE pansegnet.study SET processed_fingerprint = $2 WHERE study_instance_uid = $1', [
      run.studyInstanceUid,
      run.fingerprint,
    ]);
  }
  await markEnded(sql, {
    studyInstanceUid: run.studyInstanceUid,
    state: end.outcome,
    reason: end.reason,
    now: end.now,
  });
}
