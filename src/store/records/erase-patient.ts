import { z } from 'zod';
import { rowsOf } from '../database/rows.ts';
import type { Database, Sql } from '../database/sql.ts';
import { StoreError } from '../store-error.ts';

/** What the database holds of a patient. */
export interface PatientTraces {
  readonly studies: readonly string[];
  /** SOP Instance UIDs of the reports of the patient's results. */
  readonly reports: readonly string[];
}

const studyRow = z.object({ study: z.string(), state: z.string().nullable() });
/** Earlier studies were announced as the patient's; what was read of them since says more. */
const STUDIES = `SELECT known.study, study.state FROM (
    SELECT study_instance_uid AS study FROM pansegnet.study_header WHERE patient_key = $1
    UNION SELECT study_instance_uid FROM pansegnet.volume WHERE patient_key = $1
    UNION SELECT study_instance_uid FROM pansegnet.workitem
      WHERE patient_key = $1 AND study_instance_uid IS NOT NULL
    UNION SELECT announced.study FROM (
      SELECT study_instance_uid AS study FROM pansegnet.earlier_search WHERE patient_key = $1
      UNION SELECT jsonb_array_elements_text(answer->'taken') FROM pansegnet.earlier_search
        WHERE patient_key = $1 AND answer IS NOT NULL
      UNION SELECT study_instance_uid FROM pansegnet.announcement WHERE source->>'patientKey' = $1
      UNION SELECT study_instance_uid FROM pansegnet.study WHERE source->>'patientKey' = $1
    ) AS announced
    WHERE NOT EXISTS (SELECT 1 FROM pansegnet.study_header
        WHERE study_instance_uid = announced.study AND patient_key <> $1)
      AND NOT EXISTS (SELECT 1 FROM pansegnet.volume
        WHERE study_instance_uid = announced.study AND patient_key <> $1)
  ) AS known LEFT JOIN pansegnet.study ON study.study_instance_uid = known.study`;
const reportRow = z.object({ report: z.string() });

export async function tracesOfPatient(sql: Sql, patientKey: string): Promise<PatientTraces> {
  const studies = rowsOf(studyRow, await sql.query(`${STUDIES} ORDER BY 1`, [patientKey]));
  const reports = await sql.query(
    `SELECT report->>'sopInstanceUid' AS report FROM pansegnet.volume WHERE patient_key = $1
     UNION SELECT correction->'report'->>'sopInstanceUid' FROM pansegnet.volume
     WHERE patient_key = $1 AND correction IS NOT NULL ORDER BY 1`,
    [patientKey],
  );
  return {
    studies: studies.map(({ study }) => study),
    reports: rowsOf(reportRow, reports).map(({ report }) => report),
  };
}

/**
 * Removes a patient from the node's tables, all or nothing. What keeps the studies from being taken for new
 * stays: their UIDs with their counts, and the UIDs of the results that were made of them.
 * @param alsoErase what else is to go in the same transaction
 * @throws StoreError PATIENT_BUSY while one of the studies waits or is worked on
 */
export async function erasePatient(
  database: Database,
  patientKey: string,
  now: Date,
  alsoErase: (sql: Sql, traces: PatientTraces) => Promise<void>,
): Promise<PatientTraces> {
  return database.transaction(async (sql) => {
    // Held, so that a search for earlier studies that has just ended is seen, and one that ends later ends
    // with nothing.
    await sql.query('SELECT 1 FROM pansegnet.earlier_search WHERE patient_key = $1 FOR UPDATE', [patientKey]);
    const traces = await tracesOfPatient(sql, patientKey);
    const { studies, reports } = traces;
    // Some were announced, and never looked at: with a row of their own, nothing brings them back.
    await sql.query(
      `INSERT INTO pansegnet.study (study_instance_uid, state, first_seen_at, changed_at)
       SELECT uid, 'seen', $2, $2 FROM unnest($1::text[]) AS uid ON CONFLICT DO NOTHING`,
      [studies, now],
    );
    await refuseBusy(sql, studies);
    const ofReports = [
      'DELETE FROM pansegnet.review WHERE report_sop_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.report_prior WHERE report_sop_instance_uid = ANY($1::text[])',
    ];
    for (const statement of ofReports) await sql.query(statement, [reports]);
    const ofStudies = [
      'DELETE FROM pansegnet.report_prior WHERE prior_study_instance_uid = ANY($1::text[])',
      // What runs on other studies took from these: they were under one key once.
      `DELETE FROM pansegnet.run_input WHERE jsonb_typeof(value->'priors') = 'array' AND EXISTS (
         SELECT 1 FROM jsonb_array_elements(value->'priors') AS prior
         WHERE prior->'report'->>'studyInstanceUid' = ANY($1::text[]))`,
      'DELETE FROM pansegnet.run WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.volume WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.candidate_result WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.study_header WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.series_decision WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.study_progress WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.workitem WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.performed_order WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.outgoing WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.announcement WHERE study_instance_uid = ANY($1::text[])',
      'DELETE FROM pansegnet.pending_commitment WHERE study_instance_uid = ANY($1::text[])',
      'UPDATE pansegnet.listed_study SET patient = NULL WHERE study_instance_uid = ANY($1::text[])',
    ];
    for (const statement of ofStudies) await sql.query(statement, [studies]);
    await sql.query(
      `UPDATE pansegnet.study SET reason = NULL, error_code = NULL, ignored_identities = NULL, erased_at = $2,
         state = CASE WHEN state = 'seen' THEN 'skipped' ELSE state END
       WHERE study_instance_uid = ANY($1::text[])`,
      [studies, now],
    );
    // Some were announced as the patient's, and are somebody else's.
    for (const table of ['study', 'announcement']) {
      const announced = `UPDATE pansegnet.${table} SET source = source - 'patientKey'`;
      await sql.query(`${announced} WHERE source->>'patientKey' = $1`, [patientKey]);
    }
    await sql.query('DELETE FROM pansegnet.tracking WHERE patient_key = $1', [patientKey]);
    await sql.query('DELETE FROM pansegnet.earlier_search WHERE patient_key = $1', [patientKey]);
    await sql.query('DELETE FROM pansegnet.workitem WHERE patient_key = $1', [patientKey]);
    await alsoErase(sql, traces);
    return traces;
  });
}

async function refuseBusy(sql: Sql, studies: readonly string[]): Promise<void> {
  // Held, so that no work begins on them meanwhile.
  const rows = await sql.query(
    `SELECT study_instance_uid AS study, state FROM pansegnet.study
     WHERE study_instance_uid = ANY($1::text[]) ORDER BY 1 FOR UPDATE`,
    [studies],
  );
  const ordered = await sql.query(
    `SELECT study_instance_uid AS study, 'queued' AS state FROM pansegnet.performed_order
     WHERE study_instance_uid = ANY($1::text[]) AND ended_at IS NULL`,
    [studies],
  );
  const isBusy = ({ state }: z.output<typeof studyRow>) => state === 'queued' || state === 'running';
  const busy = [...rowsOf(studyRow, rows), ...rowsOf(studyRow, ordered)].filter(isBusy);
  const [first] = busy;
  if (!first) return;
  throw new StoreError(
    'PATIENT_BUSY',
    `${busy.length} of the patient's studies wait or are worked on, such as ${first.study}: nothing was ` +
      'erased; try again when they are done, or put the study on the opt-out list first',
  );
}
