import { messageOf } from '../../coded-error.ts';
import { DicomError, type DicomErrorCode } from '../../dicom/dicom-error.ts';
import type { SeriesVolume } from '../../dicom/geometry/series-volume.ts';
import { isGone } from '../../dicom/gone.ts';
import { readForeignInstance } from '../../dicom/reading/foreign-instances.ts';
import { voxelVolumeMl } from '../../dicom/volume.ts';
import { PANCREAS_SEGMENT_NUMBER } from '../../results/pancreas-segment.ts';
import { qualityFlags } from '../../results/quality-flags.ts';
import { pancreasSegmentNumber } from '../../seg/read-frames.ts';
import { segmentOnSeries } from '../../seg/read-segmentation.ts';
import { dice } from '../../segmentation/dice.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import type { CandidateFinding, NotedCandidate } from '../../store/records/candidates.ts';
import { optOutReason } from '../../store/records/opt-out.ts';
import { keptInterval } from '../../store/records/volume-record.ts';
import { PipelineError } from '../pipeline-error.ts';
import { findPancreas } from '../run/find-pancreas.ts';
import { imagesDigest } from '../run/images-digest.ts';
import { listStudy } from '../run/list-study.ts';
import { retrieveSeries } from '../run/retrieve-series.ts';
import type { RunParts } from '../run/run-parts.ts';
import { type RunStage, StageClock } from '../run/stages.ts';

type CandidateParts = Pick<RunParts, 'archive' | 'database' | 'inference' | 'settings' | 'stageLimits'>;

/**
 * Segments the images of a result with a candidate, in the mode that the result has, and compares: with the
 * mask that the archive holds of the model in use, and with a reader's where one corrected that. Nothing is
 * stored anywhere.
 * @returns undefined where the study may not be processed any more
 * @throws PipelineError CANDIDATE_INPUT where images or masks are no longer those of the result; what
 *   retrieving and segmenting throw
 */
export async function compareCandidate(
  noted: NotedCandidate,
  candidate: Model,
  parts: CandidateParts,
  signal?: AbortSignal,
): Promise<CandidateFinding | undefined> {
  const { inference, settings, stageLimits: limits } = parts;
  const stage = new StageClock({ limits, signal }).about(noted.studyInstanceUid, noted.class);
  const source = await sameImages(noted, parts, stage);
  if (!source) return undefined;
  const inUse = await storedMask(noted, source, parts, stage);
  const { mode } = noted.inUse.model;
  const found = await findPancreas(source.volume, candidate, { ...inference, mode }, stage);
  const { volumeMl, voxelCount, volumeIntervalMl: interval } = found.measurement;
  const reader = noted.correction && (await readersMask(noted.correction, noted, source, parts, stage));
  const { name, version } = candidate.info;
  return {
    model: { name, version, sha256: candidate.sha256, mode },
    volumeMl,
    voxelCount,
    intervalMl: voxelCount > 0 && interval ? keptInterval(interval) : null,
    flags: qualityFlags(found.measurement, source),
    dice: dice(found.mask, inUse),
    corrected: reader && {
      volumeMl: reader.reduce((sum, inside) => sum + inside, 0) * voxelVolumeMl(source.volume.affine),
      candidateDice: dice(found.mask, reader),
      inUseDice: dice(inUse, reader),
    },
    software: settings.softwareVersion,
  };
}

/** The images of the result, voxel for voxel; undefined where the opt-out list keeps them out by now. */
async function sameImages(
  { studyInstanceUid, seriesInstanceUid, part, images }: NotedCandidate,
  parts: CandidateParts,
  stage: RunStage,
): Promise<SeriesVolume | undefined> {
  const { archive, database } = parts;
  const { candidates, patients } = await stage('list series', (_, signal) =>
    listStudy(studyInstanceUid, parts, signal),
  );
  if (await optOutReason(database, studyInstanceUid, patients)) return undefined;
  const series = candidates.find(
    (one) => one.seriesInstanceUid === seriesInstanceUid && (one.part?.name ?? '') === part,
  );
  if (!series) throw gone('the series is no longer in the archive, or its parts are others');
  const builder = await stage('retrieve', (_, signal) =>
    retrieveSeries(archive, { studyInstanceUid }, series, signal),
  );
  const source = await stage('volume', async () => builder.finish());
  if ((await imagesDigest(source)) !== images) throw gone('the images are no longer those of the result');
  return source;
}

/** What the model in use found, as the archive holds it. */
async function storedMask(
  { studyInstanceUid, inUse: { seg, voxelCount } }: NotedCandidate,
  source: SeriesVolume,
  { archive }: CandidateParts,
  stage: RunStage,
): Promise<Uint8Array> {
  if (!seg) return new Uint8Array(source.volume.voxels.length);
  const mask = await stage('retrieve', async (_, signal) => {
    const { seriesInstanceUid, sopInstanceUid } = seg;
    const bytes = await archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
    const stored = await readForeignInstance(bytes, `the stored result ${sopInstanceUid}`);
    return segmentOnSeries(stored, PANCREAS_SEGMENT_NUMBER, source, { sourcesNamed: true });
  }).catch(unlessGone);
  const held = mask.reduce((sum, inside) => sum + inside, 0);
  if (held !== voxelCount) throw gone(`the archive's SEG holds ${held} voxels, the result ${voxelCount}`);
  return mask;
}

async function readersMask(
  { seriesInstanceUid, sopInstanceUid }: NonNullable<NotedCandidate['correction']>,
  { studyInstanceUid }: NotedCandidate,
  source: SeriesVolume,
  { archive }: CandidateParts,
  stage: RunStage,
): Promise<Uint8Array> {
  return stage('corrections', async (_, signal) => {
    const bytes = await archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
    const stored = await readForeignInstance(bytes, `the reader's SEG ${sopInstanceUid}`);
    const segment = pancreasSegmentNumber(stored.dataset);
    if (segment === undefined) throw gone("the reader's SEG has no pancreas any more");
    return segmentOnSeries(stored, segment, source, { sourcesNamed: false });
  }).catch(unlessGone);
}

/** What cannot be read, or is not there; an archive that does not answer, or refuses, may give it later. */
function unlessGone(error: unknown): never {
  const isUnreadable = error instanceof DicomError && UNREADABLE.has(error.code);
  throw isUnreadable || isGone(error) ? gone(messageOf(error), error) : error;
}
const UNREADABLE: ReadonlySet<DicomErrorCode> = new Set([
  'DICOM_UNREADABLE',
  'DICOM_ATTRIBUTE',
  'DICOM_TRANSFER_SYNTAX',
  'DICOM_GEOMETRY',
]);

const gone = (why: string, cause?: unknown): PipelineError =>
  new PipelineError('CANDIDATE_INPUT', why, cause === undefined ? {} : { cause });
