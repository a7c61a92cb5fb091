import { z } from 'zod';
import { MODES } from '../../inference-mode.ts';
import { columnsOf, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

const modelIdentity = z.object({
  name: z.string(),
  version: z.string(),
  sha256: z.string(),
  mode: z.enum(MODES),
});
/** Which network made a volume; its points join in a trend with those of the same one only. */
export type ModelIdentity = Readonly<z.output<typeof modelIdentity>>;

/** Where a result is, within the study of its volume. */
const resultReference = z.object({ seriesInstanceUid: z.string(), sopInstanceUid: z.string() });
/** A report without a class is a Comprehensive SR: there was no other. So is one that it superseded. */
const reportReference = resultReference.extend({
  sopClassUid: z.string().optional(),
  supersededClassUid: z.string().optional(),
});

/** A reader's correction of a volume: a SEG that the node did not write, measured by the node. */
const correction = z.object({
  volumeMl: z.number(),
  voxelCount: z.int(),
  /** The reader's SEG. */
  seg: resultReference,
  /** The node's report of it. */
  report: reportReference,
  /** SOP instance UID of the report that this one supersedes. */
  supersedes: z.string(),
  /** ISO 8601, UTC. */
  contentDateTime: z.string(),
});
export type Correction = Readonly<z.output<typeof correction>>;

/** That an operator withdrew a result. */
const withdrawal = z.object({
  /** Code value of the rejection note's title, see rejection-note.ts. */
  reason: z.string(),
  /** SOP instance UID of the rejection note. */
  note: z.string(),
  /** ISO 8601, UTC. */
  at: z.string(),
});
export type Withdrawal = Readonly<z.output<typeof withdrawal>>;

/** A row of the history. */
export const volumeForm = z.object({
  /** Opaque, see patient-key.ts. */
  patientKey: z.string(),
  studyInstanceUid: z.string(),
  /** As DICOM has it (YYYYMMDD), empty where the study has none. */
  studyDate: z.string(),
  /** As DICOM has it (HHMMSS.FFFFFF or a part of it), empty where the study has none. */
  studyTime: z.string(),
  seriesInstanceUid: z.string(),
  /** Which part of the series; empty where the series is one volume. */
  part: z.string(),
  /** What was segmented: CT, T1W or T2W. */
  class: z.string(),
  model: modelIdentity,
  volumeMl: z.number(),
  voxelCount: z.int(),
  /** See `Measurement.volumeIntervalMl`, to 0.001 ml; null where it is not known. */
  intervalMl: z.object({ low: z.number(), high: z.number() }).nullable(),
  /** Quality flags, as in the report. */
  flags: z.array(z.string()).readonly(),
  /** Null where nothing was found. */
  seg: resultReference.nullable(),
  report: reportReference,
  /**
   * The result is in this history alone, and not in the archive: `seg` and `report` name it, and no object
   * has these UIDs.
   */
  historyAlone: z
    .boolean()
    .transform((alone) => alone || undefined)
    .optional(),
  /** SOP instance UID of the report that this one supersedes. */
  supersedes: z.string().nullable(),
  /** Content date and time of the report: ISO 8601, UTC. */
  contentDateTime: z.date().transform((time) => time.toISOString()),
  /** Null where no reader corrected it. */
  correction: correction.nullable(),
  /** Null where it stands. */
  withdrawn: withdrawal.nullable(),
});

/** One point of the volume history: a segmented part of a series. */
export type VolumeRecord = Readonly<z.output<typeof volumeForm>>;
/** What a run finds. */
export type MeasuredVolume = Omit<VolumeRecord, 'correction' | 'withdrawn'>;

const COLUMNS = `${columnsOf(volumeForm.omit({ model: true }))},
  jsonb_build_object('name', model_name, 'version', model_version, 'sha256', model_sha256, 'mode', mode)
  AS model`;

/**
 * @param rest of the statement: which volumes, in what order
 * @throws ZodError for rows of another program
 */
export async function selectVolumes(
  sql: Sql,
  rest: string,
  parameters?: readonly unknown[],
): Promise<VolumeRecord[]> {
  return rowsOf(volumeForm, await sql.query(`SELECT ${COLUMNS} FROM pansegnet.volume ${rest}`, parameters));
}

/** As history keeps an interval: to 0.001 ml, so that a rebuilt one is equal to the last digit. */
export function keptInterval({ low, high }: { low: number; high: number }): { low: number; high: number } {
  const rounded = (ml: number) => Math.round(ml * 1000) / 1000;
  return { low: rounded(low), high: rounded(high) };
}
