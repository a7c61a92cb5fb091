import { buildVolume } from '../../dicom/geometry/series-volume.ts';
import { gridOfVolume } from '../../nifti/grid.ts';
import { createResults, type Finding, warningsOf } from '../run/create-results.ts';
import { MODALITY_OF } from '../run/models.ts';
import { StageClock } from '../run/stages.ts';
import { selectSeries } from '../selection/select.ts';
import { findPancreas } from './find-pancreas.ts';
import { InputError } from './input-error.ts';
import { type Output, writeOutputs, writeResult } from './output-folder.ts';
import { type DicomFolder, type FolderSeries, readFolder, readInstanceFile } from './read-folder.ts';
import type { SegmentRequest } from './request.ts';
import { type SegmentSummary, summarize } from './summary.ts';

/**
 * Segments one series of a folder and writes `sr.dcm`, `result.json` and, where anything was found, `seg.dcm`; where it
 * was asked for, `probabilities.nii.gz` on the series' grid.
 */
export async function segmentDicom(request: SegmentRequest): Promise<SegmentSummary> {
  const { input, output, model, settings, now } = request;
  const clock = new StageClock(request.onProgress);
  const folder = await clock.about(input)('list series', () => readFolder(input));
  const { series, reason } = chooseFrom(folder, request);
  const { seriesInstanceUid, description } = series;
  const stage = clock.about(description || seriesInstanceUid);

  const instances = await stage('retrieve', () => Promise.all(series.files.map(readInstanceFile)));
  const source = await stage('volume', () => buildVolume(instances));
  const found = await findPancreas(source.volume, request, stage);
  const { mask, softMask, measurement, probability } = found;
  const finding: Finding = { source, mask, measurement, model };
  const noPast = { priors: [], current: null };
  const results = await stage('results', () => createResults(finding, noPast, settings, async () => now));
  const { segmentation, report, flags } = results;

  const outputs: Output[] = [
    ...(segmentation ? [{ name: 'seg.dcm', bytes: segmentation.bytes } as const] : []),
    { name: 'sr.dcm', bytes: report.bytes },
  ];
  if (probability) {
    outputs.push({ name: 'probabilities.nii.gz', grid: gridOfVolume(source.volume), voxels: probability });
  }
  await stage('store', () => writeOutputs(output, outputs));
  const leftOut = folder.otherFiles.map((file) => `${file} is not DICOM and was left out`);
  const warnings = [...leftOut, ...warningsOf(finding, results)];
  const summary = summarize(
    { seriesInstanceUid, seriesDescription: description, reason },
    { found, model, flags, warnings, outputs, seconds: clock.seconds },
  );
  await writeResult(output, summary);
  return summary;
}

function chooseFrom(
  { series }: DicomFolder,
  request: SegmentRequest,
): { series: FolderSeries; reason: string } {
  const { seriesInstanceUid, model, rules, input } = request;
  const listed = series.map(
    (one) => `  ${one.seriesInstanceUid} "${one.description}", ${one.files.length} files`,
  );
  if (seriesInstanceUid !== undefined) {
    const named = series.find((one) => one.seriesInstanceUid === seriesInstanceUid);
    if (named) return { series: named, reason: 'named by the user' };
    throw new InputError(
      'INPUT_SERIES',
      `${input} has no series ${seriesInstanceUid}, but:\n${listed.join('\n')}`,
    );
  }
  const [only, ...others] = series;
  if (only && others.length === 0) return { series: only, reason: 'the only series of the folder' };

  const decisions = selectSeries(series, rules());
  const chosen = decisions.find(
    (one) => one.chosen && one.class !== 'NONE' && MODALITY_OF[one.class] === model.info.modality,
  );
  const found = series.find((one) => one.seriesInstanceUid === chosen?.seriesInstanceUid);
  if (chosen && found) return { series: found, reason: chosen.reason };
  const reasons = decisions.map((one) => `  ${one.seriesInstanceUid} "${one.description}": ${one.reason}`);
  const message = `${input} has no series for a ${model.info.modality} model; name one with --series:\n${reasons.join('\n')}`;
  throw new InputError('INPUT_SERIES', message);
}
