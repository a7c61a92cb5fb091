import { DicomError } from '../../dicom/dicom-error.ts';
import type { DicomDataset } from '../../dicom/reading/dataset.ts';
import { readForeignInstance } from '../../dicom/reading/foreign-instances.ts';
import { voxelVolumeMl } from '../../dicom/volume.ts';
import { MODES, type Mode } from '../../inference-mode.ts';
import { PANCREAS_SEGMENT_NUMBER } from '../../results/pancreas-segment.ts';
import {
  type ResultContext,
  segmentationUid,
  sourceHeader,
  sourceInstances,
} from '../../results/result-context.ts';
import { segmentOnSeries } from '../../seg/read-segmentation.ts';
import { type Measurement, measure } from '../../segmentation/measure.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import { references } from '../../sr/read-items.ts';
import { currentVolume, volumesOfStudies } from '../../store/records/history.ts';
import type { Run } from '../../store/records/run-log.ts';
import { namedPatient, recordReissue, reissueOf } from '../../store/records/study-identity.ts';
import type { VolumeRecord } from '../../store/records/volume-record.ts';
import { type ChosenSeries, chooseSeries, isChosen } from '../selection/choose-series.ts';
import type { SegmentedClass } from '../selection/rules.ts';
import type { CandidateSeries, SeriesDecision } from '../selection/select.ts';
import { resultContext, type SegmentedSeries } from './create-results.ts';
import type { RunParts } from './run-parts.ts';
import { subjectOf } from './run-record.ts';
import type { RunStage } from './stages.ts';

/** What stands in the history for a series, with the segmentation that the archive holds of it. */
export interface StandingResult {
  readonly volume: VolumeRecord;
  readonly found: Pick<SegmentedSeries, 'mask'> & { readonly measurement: Measurement };
  /** See `ResultContext.reissue`. */
  readonly reissue: string | undefined;
}

/** What a run that restates the results of a study has to restate of some images. */
export interface StandingWork {
  readonly model: Model;
  readonly mode: Mode;
  /** There are results, and the archive has none of them. */
  readonly isAlone: boolean;
}

/**
 * By which model and in which mode these images have a result that the archive holds: before others by the
 * model in use, in the mode in use. Where it holds none, those of what is in the history alone; where there
 * is nothing, those in use.
 */
export async function standingWork(
  images: Pick<SegmentedSeries, 'source' | 'part' | 'model'>,
  seriesClass: SegmentedClass,
  run: Run,
  parts: RunParts,
): Promise<StandingWork> {
  const { database, patientKey, models, mode: inUse } = parts;
  const { model } = images;
  const subject = subjectOf({ ...images, mode: inUse }, run, patientKey);
  const volumes = (await volumesOfStudies(database, [run.studyInstanceUid])).filter(
    (one) => one.seriesInstanceUid === subject.seriesInstanceUid && one.part === subject.part,
  );
  const isOfModel = ({ model: { name, version, sha256 } }: VolumeRecord) =>
    name === subject.model.name && version === subject.model.version && sha256 === model.sha256;
  const ranks = [
    ({ historyAlone }: VolumeRecord) => (historyAlone ? 1 : 0),
    ({ withdrawn }: VolumeRecord) => (withdrawn ? 1 : 0),
    (volume: VolumeRecord) => (isOfModel(volume) ? 0 : 1),
    ({ model: { mode } }: VolumeRecord) => (mode === inUse ? 0 : 1 + MODES.indexOf(mode)),
  ];
  const better = (a: VolumeRecord, b: VolumeRecord): number => {
    const rank = ranks.find((of) => of(a) !== of(b));
    if (rank) return rank(a) - rank(b);
    return a.contentDateTime > b.contentDateTime ? -1 : 1;
  };
  const [first] = volumes.toSorted(better);
  if (!first) return { model, mode: inUse, isAlone: false };
  const isAlone = first.historyAlone === true;
  const { mode } = first.model;
  if (isOfModel(first)) return { model, mode, isAlone };
  const former = isAlone ? undefined : await models.former?.(seriesClass, first.model);
  return former ? { model: former, mode, isAlone } : { model, mode: inUse, isAlone };
}

/**
 * The result that stands for these images, this model and mode, measured anew in the segmentation that was
 * stored.
 * @returns undefined where there is none, or none of these very images: they have to be segmented
 */
export async function standingResult(
  images: Pick<SegmentedSeries, 'source' | 'part' | 'model' | 'mode'>,
  run: Run,
  parts: RunParts,
  stage: RunStage,
): Promise<StandingResult | undefined> {
  const { archive, database, identities, patientKey, settings } = parts;
  // Probabilities are in no other form, and a calibrated interval is made of them.
  if (settings.segmentation.includes('fractional') || images.model.calibrations[images.mode])
    return undefined;
  const { studyInstanceUid } = run;
  const { source } = images;
  const volume = await currentVolume(database, subjectOf(images, run, patientKey));
  if (!volume || volume.historyAlone) return undefined;
  const reissue = await reissueOf(database, studyInstanceUid);
  const mask = new Uint8Array(source.volume.voxels.length);
  const nothing = { ...images, mask, measurement: measure(source.volume, mask) };
  const context = resultContext(nothing, settings);
  const reference = volume.seg ?? volume.report;
  const stored = await stage('retrieve', async (_, signal) => {
    const { seriesInstanceUid, sopInstanceUid } = reference;
    const bytes = await archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
    return readForeignInstance(bytes, `the stored result ${sopInstanceUid}`);
  }).catch((error: unknown) => {
    // Gone from the archive, or unreadable there: the images are segmented again.
    if (error instanceof DicomError && error.code !== 'DICOM_WEB_UNREACHABLE') return undefined;
    throw error;
  });
  if (!stored) return undefined;
  if (!volume.seg) {
    if (!isOfImages(stored.dataset, context)) return undefined;
    return { volume, found: nothing, reissue };
  }
  // A run that was killed may have given a new name to a SEG that it then did not write.
  const works = [context, ...(reissue === undefined ? [] : [{ ...context, reissue }])];
  const { sopInstanceUid } = volume.seg;
  if (!works.some((work) => isOfWork(sopInstanceUid, work, parts))) return undefined;
  const found = segmentOnSeries(stored, PANCREAS_SEGMENT_NUMBER, source, { sourcesNamed: true });
  const voxelMl = voxelVolumeMl(source.volume.affine);
  const range = volume.intervalMl && {
    clear: Math.round(volume.intervalMl.low / voxelMl),
    possible: Math.round(volume.intervalMl.high / voxelMl),
  };
  const measurement = measure(source.volume, found, range ?? undefined);
  const isOf = (dataset: DicomDataset) => identities.digestOf(namedPatient(dataset));
  const patient = isOf(sourceHeader(source));
  if (isOf(stored.dataset) === patient) return { volume, found: { mask: found, measurement }, reissue };
  // The archive has left the former patient in it: one with the present patient gets a name of its own.
  await recordReissue(database, studyInstanceUid, patient);
  return { volume, found: { mask: found, measurement }, reissue: patient };
}

/** The UID of a SEG is made of its images, its model and how it was made. */
const isOfWork = (sopInstanceUid: string, context: ResultContext, { settings }: RunParts): boolean =>
  settings.segmentation.some((form) => segmentationUid(context, form) === sopInstanceUid);

/** A report that found nothing names the images that it looked at as its evidence. */
function isOfImages(report: DicomDataset, { series }: ResultContext): boolean {
  const named = references(report, 'CurrentRequestedProcedureEvidenceSequence');
  const images = new Set(sourceInstances(series).map(({ sopInstanceUid }) => sopInstanceUid));
  return named.length === images.size && named.every(({ sopInstanceUid }) => images.has(sopInstanceUid));
}

/** Decisions by the rules, and with them the series of results that an operator asked for by name. */
export async function withStanding(
  decisions: readonly SeriesDecision[],
  candidates: readonly CandidateSeries[],
  studyInstanceUid: string,
  { database, rules, models }: RunParts,
): Promise<SeriesDecision[]> {
  const all = [...decisions];
  for (const volume of await volumesOfStudies(database, [studyInstanceUid])) {
    const { seriesInstanceUid } = volume;
    const isOfSeries = (one: SeriesDecision) => one.seriesInstanceUid === seriesInstanceUid;
    if (all.some((one) => isChosen(one) && isOfSeries(one))) continue;
    if (!candidates.some((one) => one.seriesInstanceUid === seriesInstanceUid)) continue;
    const seriesClass = SEGMENTED_CLASSES[volume.class];
    if (seriesClass === undefined) continue;
    const forced = chooseSeries(candidates, rules, models, { seriesInstanceUid, class: seriesClass });
    const named = forced.find((one): one is ChosenSeries => isChosen(one) && isOfSeries(one));
    if (!named) continue;
    const at = all.findIndex((one) => isOfSeries(one) && one.description === named.description);
    if (at >= 0) all[at] = named;
  }
  return all;
}

const SEGMENTED_CLASSES: Readonly<Record<string, ChosenSeries['class']>> = {
  CT: 'CT_ABDOMEN',
  T1W: 'T1W',
  T2W: 'T2W',
};
