import { identityProblems } from '../dicom/geometry/image-checks.ts';
import type { ImageFrame } from '../dicom/geometry/image-frame.ts';
import type { SeriesVolume } from '../dicom/geometry/series-volume.ts';
import { SeriesVolumeBuilder } from '../dicom/geometry/series-volume-builder.ts';
import { imageKey } from '../dicom/geometry/split-series.ts';
import type { Mode } from '../inference-mode.ts';
import { gridOfVolume } from '../nifti/grid.ts';
import { holdContest, type Look } from '../pipeline/run/contest.ts';
import { createResults, type SegmentedSeries, warningsOf } from '../pipeline/run/create-results.ts';
import { type FoundPancreas, findPancreas } from '../pipeline/run/find-pancreas.ts';
import { lookAt, lookAtStation, lookOr } from '../pipeline/run/look.ts';
import { lookWords, remarksOf } from '../pipeline/run/rivals.ts';
import { StageClock } from '../pipeline/run/stages.ts';
import { reasonOfClass } from '../pipeline/selection/select.ts';
import { qualityFlags } from '../results/quality-flags.ts';
import type { ResultObject } from '../results/result-context.ts';
import { chooseFrom, type FolderChoice } from './choose-from-folder.ts';
import { InputError } from './input-error.ts';
import {
  type DicomFile,
  KEY_IMAGE_FILES,
  type Output,
  segFiles,
  writeOutputs,
  writeResult,
} from './output-folder.ts';
import { type DicomFolder, type FolderSeries, readFolder, readInstanceFile } from './read-folder.ts';
import type { SegmentRequest } from './request.ts';
import { type SegmentSummary, type Summarized, summarize } from './summary.ts';

/**
 * Segments one series of a folder and writes `sr.dcm`, `result.json`, the labels as `seg.nii.gz` and, where
 * anything was found, `seg.dcm`, with a file for each further form of the SEG; where it was asked for,
 * `probabilities.nii.gz`, as the labels on the series' grid. Of images that don't say whose they are, there
 * are no DICOM objects.
 */
export async function segmentDicom(request: SegmentRequest): Promise<SegmentSummary> {
  const { input, output, model } = request;
  const clock = new StageClock({ onProgress: request.onProgress });
  const folder = await clock.about(input)('list series', () => readFolder(input));
  const { winner, remarks, tried } = await found(folder, request, clock).finally(() => folder.close());
  const { series, work } = winner;
  const { seriesInstanceUid, description, reason } = series;
  const { source } = work;
  const stage = clock.about(description || seriesInstanceUid || input);
  const made = await stage('results', () => resultsOf(work, { ...series.folderSeries, remarks }, request));

  const outputs: Output[] = [...made.outputs];
  if (work.probability) {
    outputs.push({
      name: 'probabilities.nii.gz',
      grid: gridOfVolume(source.volume),
      voxels: work.probability,
    });
  }
  await stage('store', () => writeOutputs(output, outputs));
  const summary = summarize(
    {
      seriesInstanceUid,
      seriesDescription: description,
      ...(series.part && { part: series.part.name }),
      reason: tried.length > 0 ? reasonOfClass(reason) : reason,
      ...(tried.length > 0 ? { tried } : {}),
    },
    {
      found: work,
      model,
      mode: request.inference.mode,
      flags: made.flags,
      warnings: [...folder.warnings, ...made.warnings],
      outputs,
      seconds: clock.seconds,
    },
  );
  await writeResult(output, summary);
  return summary;
}

interface FolderWork extends FoundPancreas, Look {
  readonly source: SeriesVolume;
}

/** The series that the results are of, segmented, with what else was tried. */
async function found(folder: DicomFolder, request: SegmentRequest, clock: StageClock) {
  const { input, model, inference, looks } = request;
  const stageOf = ({ description, seriesInstanceUid }: FolderChoice) =>
    clock.about(description || seriesInstanceUid || input);
  const readVolume = async (choice: FolderChoice): Promise<SeriesVolume> => {
    const stage = stageOf(choice);
    const builder = await stage('retrieve', () => readSeries(choice.folderSeries));
    return stage('volume', async () => builder.finish());
  };
  const segmentIn = async (choice: FolderChoice, source: SeriesVolume, mode: Mode): Promise<FolderWork> => {
    const stage = stageOf(choice);
    const pancreas = await findPancreas(source.volume, model, { ...inference, mode }, stage);
    return { ...pancreas, source, ...lookAt(source.volume, pancreas) };
  };
  const ranked = chooseFrom(folder, request);
  const outcome = await holdContest<FolderChoice, FolderWork>({
    ranked,
    looks,
    segment: async (choice) => segmentIn(choice, await readVolume(choice), inference.mode),
    quickly: (choice) =>
      lookOr(async () => {
        const source = await readVolume(choice);
        return (await lookAtStation(choice, source.volume)) ?? segmentIn(choice, source, 'quick');
      }),
    recall: async () => undefined,
    remember: async () => undefined,
  });
  const tried = outcome.tried.map((one) => ({
    seriesInstanceUid: one.series.seriesInstanceUid,
    seriesDescription: one.series.description,
    found: lookWords(one),
  }));
  const { winner } = outcome;
  if (winner) return { winner, remarks: remarksOf(outcome), tried };
  const lines = ranked.map(({ seriesInstanceUid, description, reason }) => {
    const look = tried.find((one) => one.seriesInstanceUid === seriesInstanceUid);
    return `  ${seriesInstanceUid} "${description}": ${look ? `tried: ${look.found}` : reason}`;
  });
  const message =
    `${input} has no series that its headers make certain, and none that is possible shows one plausible ` +
    `pancreas; name one with --series:\n${lines.join('\n')}`;
  throw new InputError('INPUT_SERIES', message);
}

/** One file after the other, so that the series is in memory once. */
async function readSeries({ files, part, images }: FolderSeries): Promise<SeriesVolumeBuilder> {
  const builder = new SeriesVolumeBuilder({
    identity: 'optional',
    ...(images !== undefined && { expectedPlanes: images }),
  });
  const isWanted = (frame: ImageFrame) => part === undefined || part.images.has(imageKey(frame));
  for (const file of files) await builder.add(await readInstanceFile(file), isWanted);
  return builder;
}

type Made = Pick<Summarized, 'flags' | 'warnings' | 'outputs'>;

async function resultsOf(
  { source, ...pancreas }: FolderWork,
  { part, remarks }: FolderSeries & { readonly remarks: readonly string[] },
  { input, model, settings, now, inference: { mode } }: SegmentRequest,
): Promise<Made> {
  const labels = { name: 'seg.nii.gz', grid: gridOfVolume(source.volume), voxels: pancreas.mask } as const;
  if (identityProblems(source.slices.map(({ dataset }) => ({ dataset, source: input }))).length > 0) {
    const warning =
      'no DICOM results were written: they would have to say whose they are; seg.nii.gz holds the labels';
    return {
      outputs: [labels],
      flags: qualityFlags(pancreas.measurement, source),
      warnings: [...source.warnings, warning],
    };
  }
  const finding: SegmentedSeries = { source, part: part?.name, model, mode, remarks, ...pancreas };
  const noPast = { priors: [], current: null };
  const results = await createResults(finding, noPast, settings, async () => now);
  const { segmentations, report, pictures, flags } = results;
  return {
    outputs: [
      ...segFiles(settings.segmentation).flatMap((name, i) => fileOf(name, segmentations[i])),
      labels,
      { name: 'sr.dcm', bytes: report.bytes },
      ...KEY_IMAGE_FILES.flatMap((name, i) => fileOf(name, pictures.keyImages[i])),
      ...fileOf('report-pdf.dcm', pictures.pdf),
    ],
    flags,
    warnings: warningsOf(finding, results),
  };
}

const fileOf = (name: DicomFile, object: ResultObject | undefined): Output[] =>
  object ? [{ name, bytes: object.bytes }] : [];
