import { z } from 'zod';
import { isMode, type Mode } from '../../inference-mode.ts';
import type { ApartReason } from '../../results/apart-reason.ts';
import { rowsOf } from '../database/rows.ts';
import type { Row, Sql } from '../database/sql.ts';
import { isIdentified, personsOfPatient } from './study-identity.ts';
import {
  type Correction,
  type MeasuredVolume,
  type ModelIdentity,
  selectVolumes,
  type VolumeRecord,
  type Withdrawal,
} from './volume-record.ts';

/**
 * Writes a volume to the history, in place of an earlier one of the same part, model and mode: that one is
 * superseded, and with it its correction and its withdrawal. Writing the same again changes nothing. What is
 * in the history alone takes the place of nothing that the archive holds.
 */
export async function recordVolume(sql: Sql, record: MeasuredVolume): Promise<void> {
  const { model } = record;
  // What was superseded may have stood under the name of a part that is told apart now.
  await sql.query(
    `DELETE FROM pansegnet.volume WHERE report->>'sopInstanceUid' = $1
       AND series_instance_uid = $2 AND part <> $3`,
    [record.supersedes, record.seriesInstanceUid, record.part],
  );
  await sql.query(
    `INSERT INTO pansegnet.volume (patient_key, study_instance_uid, study_date, study_time,
     series_instance_uid, part,
       class, model_name, model_version, model_sha256, mode, volume_ml, voxel_count, flags, seg, report,
       supersedes,
       content_date_time, interval_ml, history_alone)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15::jsonb, $16::jsonb,
     $17, $18,
       $19::jsonb, $20)
     ON CONFLICT (series_instance_uid, part, model_name, model_version, model_sha256, mode) DO UPDATE SET
       patient_key = excluded.patient_key, study_instance_uid = excluded.study_instance_uid,
       study_date = excluded.study_date, study_time = excluded.study_time, class = excluded.class,
       volume_ml = excluded.volume_ml, voxel_count = excluded.voxel_count, flags = excluded.flags,
       seg = excluded.seg, report = excluded.report, supersedes = excluded.supersedes,
       content_date_time = excluded.content_date_time, interval_ml = excluded.interval_ml,
       correction = CASE WHEN volume.report = excluded.report THEN volume.correction END,
       history_alone = excluded.history_alone,
       withdrawn = CASE WHEN volume.report = excluded.report THEN volume.withdrawn END
     WHERE volume.history_alone OR NOT excluded.history_alone`,
    [
      record.patientKey,
      record.studyInstanceUid,
      record.studyDate,
      record.studyTime,
      record.seriesInstanceUid,
      record.part,
      record.class,
      model.name,
      model.version,
      model.sha256,
      model.mode,
      record.volumeMl,
      record.voxelCount,
      JSON.stringify(record.flags),
      record.seg && JSON.stringify(record.seg),
      JSON.stringify(record.report),
      record.supersedes,
      new Date(record.contentDateTime),
      record.intervalMl && JSON.stringify(record.intervalMl),
      record.historyAlone ?? false,
    ],
  );
}

/** A reader's correction of the volume whose report that is, in place of an earlier one. */
export async function recordCorrection(
  sql: Sql,
  reportInstanceUid: string,
  correction: Correction,
): Promise<void> {
  await sql.query(`UPDATE pansegnet.volume SET correction = $2::jsonb WHERE report->>'sopInstanceUid' = $1`, [
    reportInstanceUid,
    JSON.stringify(correction),
  ]);
}

/** Whether the result with this report was withdrawn. */
export async function wasWithdrawn(sql: Sql, reportInstanceUid: string): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 FROM pansegnet.volume WHERE report->>'sopInstanceUid' = $1 AND withdrawn IS NOT NULL`,
    [reportInstanceUid],
  );
  return rows.length > 0;
}

/** Marks the volume whose report that is as withdrawn. */
export async function recordWithdrawal(
  sql: Sql,
  reportInstanceUid: string,
  withdrawal: Withdrawal,
): Promise<void> {
  await sql.query(`UPDATE pansegnet.volume SET withdrawn = $2::jsonb WHERE report->>'sopInstanceUid' = $1`, [
    reportInstanceUid,
    JSON.stringify(withdrawal),
  ]);
}

/** The volume whose result has this series, or this report. */
export async function findVolume(sql: Sql, uid: string): Promise<VolumeRecord | undefined> {
  const found = await selectVolumes(
    sql,
    `WHERE report->>'sopInstanceUid' = $1 OR report->>'seriesInstanceUid' = $1
       OR seg->>'seriesInstanceUid' = $1
       OR (correction IS NOT NULL AND correction->'report'->>'sopInstanceUid' = $1)
       OR (correction IS NOT NULL AND correction->'report'->>'seriesInstanceUid' = $1)`,
    [uid],
  );
  return found[0];
}

const BY_PATIENT =
  'ORDER BY patient_key, study_date, study_time, study_instance_uid, series_instance_uid, part, id';

/**
 * The volumes of all patients, each patient's together, oldest study first. All at once: what may be very
 * many is read by `volumesByPatient`.
 */
export async function allVolumes(sql: Sql): Promise<VolumeRecord[]> {
  return selectVolumes(sql, BY_PATIENT);
}

/**
 * The same in the same order, some whole patients at a time: a history of any length takes the memory of
 * those.
 * Each time is a question by itself, so that no connection is held while the answer is used, and an embedded
 * database answers others in between. What is written meanwhile may be among it or not; of one patient, all
 * is
 * of one moment.
 * @param patients how many at a time
 */
export async function* volumesByPatient(
  sql: Sql,
  patients = PATIENTS_AT_A_TIME,
): AsyncGenerator<VolumeRecord[]> {
  for (let last: string | undefined = ''; last !== undefined; ) {
    const rows: Row[] = await sql.query(
      `SELECT DISTINCT patient_key AS key FROM pansegnet.volume WHERE patient_key > $1
       ORDER BY patient_key LIMIT $2`,
      [last, patients],
    );
    const keys = rowsOf(keyRow, rows).map(({ key }) => key);
    if (keys.length > 0) {
      yield await volumesOfPatients(sql, keys);
    }
    last = keys.length < patients ? undefined : keys.at(-1);
  }
}
const PATIENTS_AT_A_TIME = 500;
const keyRow = z.object({ key: z.string() });

/** All volumes of these patients, each patient's together, oldest study first. */
export const volumesOfPatients = (sql: Sql, patientKeys: readonly string[]): Promise<VolumeRecord[]> =>
  selectVolumes(sql, `WHERE patient_key = ANY ($1::text[]) ${BY_PATIENT}`, [patientKeys]);

/** All volumes of a patient, oldest study first. */
export async function volumesOfPatient(sql: Sql, patientKey: string): Promise<VolumeRecord[]> {
  return selectVolumes(
    sql,
    `WHERE patient_key = $1
       ORDER BY study_date, study_time, study_instance_uid, series_instance_uid, part, id`,
    [patientKey],
  );
}

/** The volumes measured in any of these studies. */
export async function volumesOfStudies(
  sql: Sql,
  studyInstanceUids: readonly string[],
): Promise<VolumeRecord[]> {
  if (studyInstanceUids.length === 0) return [];
  return selectVolumes(
    sql,
    `WHERE study_instance_uid = ANY($1::text[])
       ORDER BY series_instance_uid, part, id`,
    [studyInstanceUids],
  );
}

/**
 * Studies with volumes of a kind of images that a model did not measure yet in this mode: the latest first,
 * each with its StudyDate (DA).
 * @param which.patientKey of one patient alone
 * @param which.since DA; studies before that are left out
 */
export async function studiesToRemeasure(
  sql: Sql,
  which: {
    class: string;
    model: ModelIdentity;
    patientKey?: string | undefined;
    since?: string | undefined;
  },
): Promise<{ studyInstanceUid: string; studyDate: string }[]> {
  const { name, version, sha256, mode } = which.model;
  const rows = await sql.query(
    `SELECT study_instance_uid AS "studyInstanceUid", max(study_date) AS "studyDate"
     FROM pansegnet.volume AS stands
     WHERE class = $1 AND withdrawn IS NULL
       AND ($6::text IS NULL OR patient_key = $6) AND ($7::text IS NULL OR study_date >= $7)
       AND NOT EXISTS (SELECT 1 FROM pansegnet.volume AS measured
         WHERE measured.series_instance_uid = stands.series_instance_uid AND measured.part = stands.part
           AND measured.model_name = $2 AND measured.model_version = $3
           AND measured.model_sha256 = $4 AND measured.mode = $5)
     GROUP BY study_instance_uid ORDER BY max(study_date) DESC, study_instance_uid`,
    [which.class, name, version, sha256, mode, which.patientKey ?? null, which.since ?? null],
  );
  return rowsOf(z.object({ studyInstanceUid: z.string(), studyDate: z.string() }), rows);
}

/** What a new volume is compared with. */
export interface PriorVolumes {
  /** Oldest first. */
  readonly volumes: readonly VolumeRecord[];
  /** Why there are others that it is not compared with, as they may be another person's. */
  readonly apart: ApartReason | undefined;
}

/**
 * Volumes that a new one is compared with: of the same person (see `personsOf`), class and model, in other
 * studies that are earlier by date and time. A study without a date has no place in time: it has none and is
 * none. Withdrawn ones, and those that a reader rejected, are none; neither is what is in the history alone:
 * a report can name no report of it.
 */
export async function priorVolumes(
  sql: Sql,
  study: Pick<VolumeRecord, 'patientKey' | 'studyInstanceUid' | 'studyDate' | 'studyTime' | 'class'> & {
    readonly model: ModelIdentity;
  },
): Promise<PriorVolumes> {
  const { patientKey, studyInstanceUid } = study;
  const earlier = await selectVolumes(
    sql,
    `WHERE patient_key = $1 AND study_instance_uid <> $2 AND class = $3
         AND model_name = $4 AND model_sha256 = $5 AND mode = $6
         AND withdrawn IS NULL AND NOT history_alone
         AND study_date <> '' AND (study_date, study_time) < ($7, $8)
         AND (SELECT decision FROM pansegnet.review
              WHERE report_sop_instance_uid = volume.report->>'sopInstanceUid'
              ORDER BY id DESC LIMIT 1) IS DISTINCT FROM 'rejected'
       ORDER BY study_date, study_time, study_instance_uid, series_instance_uid, part`,
    [
      patientKey,
      studyInstanceUid,
      study.class,
      study.model.name,
      study.model.sha256,
      study.model.mode,
      study.studyDate,
      study.studyTime,
    ],
  );
  const persons = await personsOfPatient(sql, patientKey, studyInstanceUid);
  const isIdentifiedStudy = await isIdentified(sql, studyInstanceUid);
  return {
    volumes: earlier.filter((volume) => persons.isSame(studyInstanceUid, volume.studyInstanceUid)),
    apart: isIdentifiedStudy
      ? persons.whyApart(studyInstanceUid, new Set(earlier.map((volume) => volume.studyInstanceUid)))
      : 'no id',
  };
}

/**
 * What the result was made in that was made last; undefined where there is none. What was measured for the
 * history alone may have been made in another mode, and says nothing.
 */
export async function latestMode(sql: Sql): Promise<Mode | undefined> {
  const rows = await sql.query(
    'SELECT mode FROM pansegnet.volume WHERE NOT history_alone ORDER BY content_date_time DESC LIMIT 1',
  );
  const mode = rows[0]?.mode;
  return isMode(mode) ? mode : undefined;
}

/**
 * The volume that stands in the history for this part, model and mode: its report is the one to be
 * superseded.
 */
export async function currentVolume(
  sql: Sql,
  of: Pick<VolumeRecord, 'seriesInstanceUid' | 'part'> & { readonly model: ModelIdentity },
): Promise<VolumeRecord | undefined> {
  const found = await selectVolumes(
    sql,
    `WHERE series_instance_uid = $1 AND part = $2
       AND model_name = $3 AND model_version = $4 AND model_sha256 = $5 AND mode = $6`,
    [of.seriesInstanceUid, of.part, of.model.name, of.model.version, of.model.sha256, of.model.mode],
  );
  return found[0];
}
