import { z } from 'zod';

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

/** A reader's correction of a volume: a SEG that the node did not write, measured by the node. */
export interface Correction {
  readonly volumeMl: number;
  readonly voxelCount: number;
  /** The reader's SEG. */
  readonly seg: ResultReference;
  /** The node's report of it. */
  readonly report: ResultReference;
  /** SOP instance UID of the report that this one supersedes. */
  readonly supersedes: string;
  /** ISO 8601, UTC. */
  readonly contentDateTime: string;
}

/** That an operator withdrew a result. */
export interface Withdrawal {
  /** Code value of the rejection note's title, see rejection-note.ts. */
  readonly reason: string;
  /** SOP instance UID of the rejection note. */
  readonly note: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** One point of the volume history: a segmented part of a series. */
export interface VolumeRecord extends MeasuredVolume {
  /** Null where no reader corrected it. */
  readonly correction: Correction | null;
  /** Null where it stands. */
  readonly withdrawn: Withdrawal | null;
}

/** What a run finds. */
export interface MeasuredVolume {
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
  /** See `Measurement.volumeIntervalMl`, to 0.001 ml; null where it is not known. */
  readonly intervalMl: { readonly low: number; readonly high: number } | null;
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

const correctionSchema = z.object({
  volumeMl: z.number(),
  voxelCount: z.int(),
  seg: referenceSchema,
  report: referenceSchema,
  supersedes: z.string(),
  contentDateTime: z.string(),
});
const withdrawalSchema = z.object({ reason: z.string(), note: z.string(), at: z.string() });

export const COLUMNS = `patient_key, study_instance_uid, study_date, study_time, series_instance_uid, part, class,
  model_name, model_version, model_sha256, mode, volume_ml, voxel_count, flags, seg, report, supersedes, content_date_time,
  interval_ml, correction, withdrawn`;

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
    interval_ml: z.object({ low: z.number(), high: z.number() }).nullable(),
    correction: correctionSchema.nullable(),
    withdrawn: withdrawalSchema.nullable(),
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
      intervalMl: row.interval_ml,
      flags: row.flags,
      seg: row.seg,
      report: row.report,
      supersedes: row.supersedes,
      contentDateTime: row.content_date_time.toISOString(),
      correction: row.correction,
      withdrawn: row.withdrawn,
    }),
  );
/** @throws ZodError for rows of another program */
export const volumesOf = (rows: unknown): VolumeRecord[] => z.array(volumeRow).parse(rows);

/** As history keeps an interval: to 0.001 ml, so that a rebuilt one is equal to the last digit. */
export function keptInterval({ low, high }: { low: number; high: number }): { low: number; high: number } {
  const rounded = (ml: number) => Math.round(ml * 1000) / 1000;
  return { low: rounded(low), high: rounded(high) };
}
