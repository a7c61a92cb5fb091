import { z } from 'zod';
import type { Sql } from '../database/sql.ts';

/** Which network made a volume; its points join in a trend with those of the same one only. */
export interface ModelIdentity {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly mode: 'exact' | 'fast';
}

/** Where a result is, within the study of its volume. */
interface ResultReference {
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
}

/** One point of the volume history: a segmented part of a series. */
export interface VolumeRecord {
  /** Opaque, see patient-key.ts. */
  readonly patientKey: string;
  readonly studyInstanceUid: string;
  /** As DICOM has it (YYYYMMDD), empty where the study has none. */
  readonly studyDate: string;
  /** As DICOM has it (HHMMSS.FFFFFF or a part of it), empty where the study has none. */
  readonly studyTime: string;
  readonly seriesInstanceUid: string;
  /** Which part of the series; empty where the series is one volume. */
  readonly part: string;
  /** What was segmented: CT, T1W or T2W. */
  readonly class: string;
  readonly model: ModelIdentity;
  readonly volumeMl: number;
  readonly voxelCount: number;
  /** Quality flags, as in the report. */
  readonly flags: readonly string[];
  /** Null where nothing was found. */
  readonly seg: ResultReference | null;
  readonly report: ResultReference;
  /** SOP instance UID of the report that this one supersedes. */
  readonly supersedes: string | null;
  /** Content date and time of the report: ISO 8601, UTC. */
  readonly contentDateTime: string;
}

const referenceSchema = z.object({ seriesInstanceUid: z.string(), sopInstanceUid: z.string() });

const COLUMNS = `patient_key, study_instance_uid, study_date, study_time, series_instance_uid, part, class,
  model_name, model_version, model_sha256, mode, volume_ml, voxel_count, flags, seg, report, supersedes, content_date_time`;

const volumeRow = z
  .object({
    patient_key: z.string(),
    study_instance_uid: z.string(),
    study_date: z.string(),
    study_time: z.string(),
    series_instance_uid: z.string(),
    part: z.string(),
    class: z.string(),
    model_name: z.string(),
    model_version: z.string(),
    model_sha256: z.string(),
    mode: z.enum(['exact', 'fast']),
    volume_ml: z.number(),
    voxel_count: z.int(),
    flags: z.array(z.string()),
    seg: referenceSchema.nullable(),
    report: referenceSchema,
    supersedes: z.string().nullable(),
    content_date_time: z.date(),
  })
  .transform(
    (row): VolumeRecord => ({
      patientKey: row.patient_key,
      studyInstanceUid: row.study_instance_uid,
      studyDate: row.study_date,
      studyTime: row.study_time,
      seriesInstanceUid: row.series_instance_uid,
      part: row.part,
      class: row.class,
      model: { name: row.model_name, version: row.model_version, sha256: row.model_sha256, mode: row.mode },
      volumeMl: row.volume_ml,
      voxelCount: row.voxel_count,
      flags: row.flags,
      seg: row.seg,
      report: row.report,
      supersedes: row.supersedes,
      contentDateTime: row.content_date_time.toISOString(),
    }),
  );
const volumesOf = (rows: unknown): VolumeRecord[] => z.array(volumeRow).parse(rows);

/**
 * Writes a volume to the history, in place of an earlier one of the same part, model and mode: that one is
 * superseded. Writing the same again changes nothing.
 */
export async function recordVolume(sql: Sql, record: VolumeRecord): Promise<void> {
  const { model } = record;
  await sql.query(
    `INSERT INTO pansegnet.volume (${COLUMNS})
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15::jsonb, $16::jsonb, $17, $18)
     ON CONFLICT (series_instance_uid, part, model_name, model_version, model_sha256, mode) DO UPDATE SET
       patient_key = excluded.patient_key, study_instance_uid = excluded.study_instance_uid,
       study_date = excluded.study_date, study_time = excluded.study_time, class = excluded.class,
       volume_ml = excluded.volume_ml, voxel_count = excluded.voxel_count, flags = excluded.flags,
       seg = excluded.seg, report = excluded.report, supersedes = excluded.supersedes,
       content_date_time = excluded.content_date_time`,
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
    ],
  );
}

/** All volumes of a patient, oldest study first. */
export async function volumesOfPatient(sql: Sql, patientKey: string): Promise<VolumeRecord[]> {
  return volumesOf(
    await sql.query(
      `SELECT ${COLUMNS} FROM pansegnet.volume WHERE patient_key = $1
       ORDER BY study_date, study_time, study_instance_uid, series_instance_uid, part, id`,
      [patientKey],
    ),
  );
}

/** The volumes measured in a study. */
export async function volumesOfStudy(sql: Sql, studyInstanceUid: string): Promise<VolumeRecord[]> {
  return volumesOf(
    await sql.query(
      `SELECT ${COLUMNS} FROM pansegnet.volume WHERE study_instance_uid = $1
       ORDER BY series_instance_uid, part, id`,
      [studyInstanceUid],
    ),
  );
}

/**
 * Volumes that a new one is compared with: of the same patient, class and model, in other studies that are earlier by
 * date and time, oldest first. A study without a date has no place in time: it has none and is none.
 */
export async function priorVolumes(
  sql: Sql,
  study: Pick<VolumeRecord, 'patientKey' | 'studyInstanceUid' | 'studyDate' | 'studyTime' | 'class'> & {
    readonly model: ModelIdentity;
  },
): Promise<VolumeRecord[]> {
  return volumesOf(
    await sql.query(
      `SELECT ${COLUMNS} FROM pansegnet.volume
       WHERE patient_key = $1 AND study_instance_uid <> $2 AND class = $3
         AND model_name = $4 AND model_sha256 = $5 AND mode = $6
         AND study_date <> '' AND (study_date, study_time) < ($7, $8)
       ORDER BY study_date, study_time, study_instance_uid, series_instance_uid, part`,
      [
        study.patientKey,
        study.studyInstanceUid,
        study.class,
        study.model.name,
        study.model.sha256,
        study.model.mode,
        study.studyDate,
        study.studyTime,
      ],
    ),
  );
}

/** The volume that stands in the history for this part, model and mode: its report is the one to be superseded. */
export async function currentVolume(
  sql: Sql,
  of: Pick<VolumeRecord, 'seriesInstanceUid' | 'part'> & { readonly model: ModelIdentity },
): Promise<VolumeRecord | undefined> {
  const rows = await sql.query(
    `SELECT ${COLUMNS} FROM pansegnet.volume
     WHERE series_instance_uid = $1 AND part = $2
       AND model_name = $3 AND model_version = $4 AND model_sha256 = $5 AND mode = $6`,
    [of.seriesInstanceUid, of.part, of.model.name, of.model.version, of.model.sha256, of.model.mode],
  );
  return volumesOf(rows)[0];
}
