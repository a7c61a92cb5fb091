import { z } from 'zod';
import { rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { personsOfPatient } from './study-identity.ts';

/** Keeps which earlier studies a report compares with. */
export async function recordReportPriors(
  sql: Sql,
  reportInstanceUid: string,
  priorStudies: readonly string[],
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.report_prior (report_sop_instance_uid, prior_study_instance_uid)
     SELECT DISTINCT $1, study FROM unnest($2::text[]) AS study ON CONFLICT DO NOTHING`,
    [reportInstanceUid, priorStudies],
  );
}

const comparisonRow = z.object({ study: z.string(), patientKey: z.string(), prior: z.string() });
const STANDING = `SELECT study_instance_uid AS study, patient_key AS "patientKey",
       prior_study_instance_uid AS prior
     FROM pansegnet.volume JOIN pansegnet.report_prior
       ON report_sop_instance_uid = volume.report->>'sopInstanceUid'
     WHERE withdrawn IS NULL`;

/**
 * Whether a standing report of the study compares with what may be another person's: more has become known
 * since it was made.
 */
export async function comparesWrongly(sql: Sql, studyInstanceUid: string): Promise<boolean> {
  const rows = await sql.query(`${STANDING} AND study_instance_uid = $1`, [studyInstanceUid]);
  return (await wrongOnes(sql, rows)).length > 0;
}

/**
 * Keeps no longer what standing reports of the study compare with, where that may be another person's: they
 * could not be made anew, and trying again would not end.
 * @returns whether there was any
 */
export async function giveUpComparisons(sql: Sql, studyInstanceUid: string): Promise<boolean> {
  if (!(await comparesWrongly(sql, studyInstanceUid))) return false;
  await sql.query(
    `DELETE FROM pansegnet.report_prior WHERE report_sop_instance_uid IN (
       SELECT report->>'sopInstanceUid' FROM pansegnet.volume WHERE study_instance_uid = $1)`,
    [studyInstanceUid],
  );
  return true;
}

/**
 * The studies whose standing reports compare with what may be another person's, among those under these
 * patient keys and those that are compared with this study.
 */
export async function studiesComparedWrongly(
  sql: Sql,
  patientKeys: readonly string[],
  studyInstanceUid = '',
): Promise<string[]> {
  const rows = await sql.query(
    `${STANDING} AND (patient_key = ANY($1::text[]) OR prior_study_instance_uid = $2)`,
    [[...new Set(patientKeys)], studyInstanceUid],
  );
  return wrongOnes(sql, rows);
}

async function wrongOnes(sql: Sql, rows: readonly unknown[]): Promise<string[]> {
  const wrong = new Set<string>();
  const byPatient = Map.groupBy(rowsOf(comparisonRow, rows), ({ patientKey }) => patientKey);
  for (const [patientKey, comparisons] of byPatient) {
    const persons = await personsOfPatient(sql, patientKey);
    for (const { study, prior } of comparisons) if (!persons.isSame(study, prior)) wrong.add(study);
  }
  return [...wrong].sort();
}

/** The keys of all patients of whom a report compares studies. */
export async function comparedPatients(sql: Sql): Promise<string[]> {
  const rows = await sql.query(`SELECT DISTINCT "patientKey" FROM (${STANDING}) AS standing`);
  return rowsOf(comparisonRow.pick({ patientKey: true }), rows).map(({ patientKey }) => patientKey);
}
