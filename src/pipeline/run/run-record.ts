import { z } from 'zod';
import { ageInYears } from '../../dicom/reading/age.ts';
import { type DicomDataset, number, text } from '../../dicom/reading/dataset.ts';
import { deriveUid } from '../../dicom/uids.ts';
import { spacingBetweenSlices } from '../../dicom/volume.ts';
import { APART_REASONS } from '../../results/apart-reason.ts';
import { qualityFlags } from '../../results/quality-flags.ts';
import { seriesUid } from '../../results/result-context.ts';
import { reportReference } from '../../sr/report-form.ts';
import type { PriorVolume, ReportReference } from '../../sr/report-input.ts';
import { announceResult } from '../../store/exchange/announce-result.ts';
import { currentVolume, priorVolumes, recordVolume } from '../../store/records/history.ts';
import type { PatientIdentity } from '../../store/records/patient-key.ts';
import { recordReportPriors } from '../../store/records/report-priors.ts';
import { moveReviews } from '../../store/records/reviews.ts';
import { fixedTime, freezeInput, type Run } from '../../store/records/run-log.ts';
import { isErased } from '../../store/records/study-log.ts';
import { recordVolumeFacts, type VolumeFacts } from '../../store/records/volume-facts.ts';
import { keptInterval, type MeasuredVolume, type VolumeRecord } from '../../store/records/volume-record.ts';
import { type Past, type Results, type SegmentedSeries } from './create-results.ts';
import { imagesDigest } from './images-digest.ts';
import type { RunParts } from './run-parts.ts';

const referenceSchema = z.object({
  studyInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  sopInstanceUid: z.string(),
  sopClassUid: z.string().optional(),
});

const pastSchema: z.ZodType<Past> = z.object({
  priors: z.array(
    z.object({
      date: z.string(),
      volumeMl: z.number(),
      report: referenceSchema,
      comparable: z.boolean(),
      corrected: z.boolean().optional(),
    }),
  ),
  apart: z.enum(APART_REASONS).optional(),
  current: z.object({ report: referenceSchema, supersedes: referenceSchema.nullable() }).nullable(),
});

/**
 * What history knows of the patient before this finding, kept with the run so that a repeated run writes the
 * same.
 */
export async function pastOf(finding: SegmentedSeries, run: Run, parts: RunParts): Promise<Past> {
  const { database, patientKey, settings } = parts;
  const subject = subjectOf(finding, run, patientKey);
  const slot = [
    subject.seriesInstanceUid,
    ...(finding.part === undefined ? [] : [finding.part]),
    finding.model.sha256,
  ].join(' ');
  return freezeInput(database, run, slot, pastSchema, async () => {
    const { volumes, apart } = await priorVolumes(database, subject);
    const current = await standingVolume(finding, subject, database);
    return {
      priors: volumes.map((prior) => priorOf(prior, settings.correctedCounts)),
      ...(apart ? { apart } : {}),
      current: current ? { report: reportOf(current), supersedes: supersededBy(current) } : null,
    };
  });
}

/**
 * What the history has of this part; else, of the larger part that it was taken out of: that was made of
 * images of several kinds, and the new report takes its place.
 */
async function standingVolume(
  { formerPart }: SegmentedSeries,
  subject: ReturnType<typeof subjectOf>,
  database: RunParts['database'],
): Promise<VolumeRecord | undefined> {
  const current = await currentVolume(database, subject);
  // What is in the history alone has no report.
  if (current || formerPart === undefined) return current?.historyAlone ? undefined : current;
  const former = await currentVolume(database, { ...subject, part: formerPart });
  return former?.historyAlone ? undefined : former;
}

/** @param correctedCounts whether a reader's correction takes the place of what the node measured */
function priorOf(prior: VolumeRecord, correctedCounts: boolean): PriorVolume {
  const { studyInstanceUid, studyDate: date } = prior;
  const correction = correctedCounts ? prior.correction : null;
  const { volumeMl, report } = correction ?? prior;
  return {
    date,
    volumeMl,
    report: locatedReport(studyInstanceUid, report),
    comparable: true,
    ...(correction ? { corrected: true } : {}),
  };
}

const reportOf = ({ studyInstanceUid, report }: VolumeRecord): ReportReference =>
  locatedReport(studyInstanceUid, report);

/** Without what it superseded itself: pictures are named by what is known of earlier reports. */
const locatedReport = (
  studyInstanceUid: string,
  { seriesInstanceUid, sopInstanceUid, sopClassUid }: VolumeRecord['report'],
): ReportReference => ({
  studyInstanceUid,
  seriesInstanceUid,
  sopInstanceUid,
  ...(sopClassUid === undefined ? {} : { sopClassUid }),
});

function supersededBy({ studyInstanceUid, supersedes, report }: VolumeRecord): ReportReference | null {
  if (supersedes === null) return null;
  const { supersededClassUid: sopClassUid } = report;
  return {
    studyInstanceUid,
    seriesInstanceUid: seriesUid(supersedes),
    sopInstanceUid: supersedes,
    ...(sopClassUid === undefined ? {} : { sopClassUid }),
  };
}

/**
 * Writes the finding to the volume history, and what is to be told of it: the last step, after the results
 * are proven to be in the archive.
 * @param former the report whose reviews count for this one, with the same segmentation
 */
export async function recordFinding(
  finding: SegmentedSeries,
  results: Results,
  { priors }: Past,
  run: Run,
  { database, patientKey, settings, now }: RunParts,
  former?: { readonly sopInstanceUid: string },
): Promise<MeasuredVolume> {
  const { segmentation, report } = results;
  const interval = finding.measurement.volumeIntervalMl;
  const record: MeasuredVolume = {
    ...subjectOf(finding, run, patientKey),
    volumeMl: finding.measurement.volumeMl,
    voxelCount: finding.measurement.voxelCount,
    intervalMl: segmentation && interval ? keptInterval(interval) : null,
    flags: [...results.flags],
    seg: segmentation ? referenceOf(segmentation) : null,
    report: reportReference(report, results.supersedes),
    supersedes: results.supersedes?.sopInstanceUid ?? null,
    contentDateTime: results.contentDateTime.toISOString(),
  };
  const studies = priors.map(({ report: prior }) => prior.studyInstanceUid);
  const stands = await currentVolume(database, record);
  const alone = stands?.historyAlone ? (await namesAlone(finding, record)).report : undefined;
  await database.transaction(async (sql) => {
    const before = await currentVolume(sql, record);
    await recordVolume(sql, record);
    await recordVolumeFacts(sql, run, report.sopInstanceUid, factsOf(finding, settings));
    // What a reader said of other images says nothing of these.
    if (alone && before?.report.sopInstanceUid === alone.sopInstanceUid)
      await moveReviews(sql, alone, record.report);
    await recordReportPriors(sql, report.sopInstanceUid, studies);
    if (former) await moveReviews(sql, former, report);
    await announceResult(sql, report.sopInstanceUid, now());
  });
  return record;
}

/**
 * Names a result that the archive has nothing of: by how it was measured, and in which images exactly, so
 * that the same measurement keeps its reviews, and no other has them.
 */
async function namesAlone(
  { source }: Pick<SegmentedSeries, 'source'>,
  { seriesInstanceUid, part, model }: Pick<VolumeRecord, 'seriesInstanceUid' | 'part' | 'model'>,
) {
  const { name, version, sha256, mode } = model;
  const work = [seriesInstanceUid, part, name, version, sha256, mode, await imagesDigest(source)];
  const nameOf = (what: string) => {
    const uid = deriveUid('history alone', what, ...work);
    return { seriesInstanceUid: seriesUid(uid), sopInstanceUid: uid };
  };
  return { report: nameOf('report'), seg: nameOf('segmentation') };
}

/**
 * Writes the finding to the volume history, where it stays: the archive hears nothing of it. What the archive
 * holds of the same images, model and mode stands.
 */
export async function recordInHistoryAlone(
  finding: SegmentedSeries,
  run: Run,
  { database, patientKey, settings, now }: Pick<RunParts, 'database' | 'patientKey' | 'settings' | 'now'>,
): Promise<MeasuredVolume> {
  const { measurement, source } = finding;
  const subject = subjectOf(finding, run, patientKey);
  const { report, seg } = await namesAlone(finding, subject);
  const measuredAt = await fixedTime(database, `history alone ${report.sopInstanceUid}`, now());
  const interval = measurement.volumeIntervalMl;
  const isFound = measurement.voxelCount > 0;
  const record: MeasuredVolume = {
    ...subject,
    historyAlone: true,
    volumeMl: measurement.volumeMl,
    voxelCount: measurement.voxelCount,
    intervalMl: isFound && interval ? keptInterval(interval) : null,
    flags: qualityFlags(measurement, source),
    seg: isFound ? seg : null,
    report,
    supersedes: null,
    contentDateTime: measuredAt.toISOString(),
  };
  // Who was erased meanwhile leaves no trace; of an earlier study, the run has begun after that.
  await database.transaction(async (sql) => {
    if (await isErased(sql, run.studyInstanceUid)) return;
    await recordVolume(sql, record);
    await recordVolumeFacts(sql, run, report.sopInstanceUid, factsOf(finding, settings));
  });
  return (await currentVolume(database, record)) ?? record;
}

/** What researchers ask for beside the volume, and only the images or the measurement tell. */
function factsOf(
  { source, measurement, model, phase }: SegmentedSeries,
  { softwareVersion }: Pick<RunParts['settings'], 'softwareVersion'>,
): VolumeFacts {
  const image = source.slices[0]?.dataset ?? {};
  const { meanIntensity, sdIntensity } = model.info.modality === 'CT' ? measurement : {};
  return {
    softwareVersion,
    sliceThicknessMm: number(image, 'SliceThickness'),
    sliceSpacingMm: toThousandths(spacingBetweenSlices(source.volume.affine)),
    meanHu: meanIntensity && toThousandths(meanIntensity),
    sdHu: sdIntensity && toThousandths(sdIntensity),
    ageYears: ageInYears(image),
    phase,
  };
}

const toThousandths = (value: number): number => Math.round(value * 1000) / 1000;

const referenceOf = ({
  seriesInstanceUid,
  sopInstanceUid,
}: {
  seriesInstanceUid: string;
  sopInstanceUid: string;
}) => ({
  seriesInstanceUid,
  sopInstanceUid,
});

/** See `RunParts.trackingUid`. */
export async function trackingUidOf(
  { slices }: SegmentedSeries['source'],
  { studyInstanceUid }: Run,
  { trackingUid }: RunParts,
): Promise<string | undefined> {
  return trackingUid?.(patientOf(slices[0]?.dataset ?? {}, studyInstanceUid));
}

const patientOf = (header: DicomDataset, studyInstanceUid: string): PatientIdentity => ({
  patientId: text(header, 'PatientID'),
  issuer: text(header, 'IssuerOfPatientID'),
  studyInstanceUid,
});

/** Whose pancreas it is, in which series, by which model: what identifies a row of the history. */
export function subjectOf(
  { source, part, model, mode }: Pick<SegmentedSeries, 'source' | 'part' | 'model' | 'mode'>,
  run: Run,
  patientKey: RunParts['patientKey'],
) {
  const header = source.slices[0]?.dataset ?? {};
  const { studyInstanceUid } = run;
  const { name, version, modality } = model.info;
  return {
    patientKey: patientKey(patientOf(header, studyInstanceUid)),
    studyInstanceUid,
    studyDate: text(header, 'StudyDate') ?? '',
    studyTime: text(header, 'StudyTime') ?? '',
    seriesInstanceUid: text(header, 'SeriesInstanceUID') ?? '',
    part: part ?? '',
    class: modality,
    model: { name, version, sha256: model.sha256, mode },
  };
}
