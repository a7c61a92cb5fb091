import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildVolume } from '../../dicom/geometry/series-volume.ts';
import { measure } from '../../segmentation/measure.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import { segment } from '../../segmentation/segment.ts';
import { createResults, type Finding, type Results, warningsOf } from '../run/create-results.ts';
import { MODALITY_OF } from '../run/models.ts';
import type { ResultSettings } from '../run/run-parts.ts';
import { type ProgressListener, StageClock } from '../run/stages.ts';
import type { SelectionRules } from '../selection/rules.ts';
import { selectSeries } from '../selection/select.ts';
import { InputError } from './input-error.ts';
import { type DicomFolder, type FolderSeries, readFolder, readInstanceFile } from './read-folder.ts';

export interface SegmentRequest {
  readonly input: string;
  readonly output: string;
  readonly model: Model;
  readonly rules: SelectionRules;
  readonly settings: ResultSettings;
  /** The series to take, where the folder has several and the rules should not choose. */
  readonly seriesInstanceUid?: string | undefined;
  readonly threads?: number | undefined;
  readonly now: Date;
  readonly onProgress?: ProgressListener;
}

/** What `result.json` says. */
export interface SegmentSummary {
  readonly researchUseOnly: true;
  readonly model: { name: string; title: string; version: string; sha256: string; notice?: string };
  readonly seriesInstanceUid: string;
  readonly seriesDescription: string;
  /** Why this series. */
  readonly reason: string;
  readonly volumeMl: number;
  readonly voxelCount: number;
  readonly meanIntensity: number | null;
  readonly sdIntensity: number | null;
  readonly flags: readonly string[];
  readonly warnings: readonly string[];
  readonly files: readonly string[];
  readonly seconds: Readonly<Record<string, number>>;
}

/**
 * Segments one series of a folder, without archive or database, and writes `sr.dcm`, `result.json` and, where anything
 * was found, `seg.dcm` to the output folder.
 */
export async function segmentFolder(request: SegmentRequest): Promise<SegmentSummary> {
  const { model, settings, threads, now } = request;
  const clock = new StageClock(request.onProgress);
  const folder = await clock.about(request.input)('list series', () => readFolder(request.input));
  const { series, reason } = chooseFrom(folder, request);
  const stage = clock.about(series.description || series.seriesInstanceUid);

  const instances = await stage('retrieve', () => Promise.all(series.files.map(readInstanceFile)));
  const source = await stage('volume', () => buildVolume(instances));
  const { mask } = await stage('segment', (onProgress) =>
    segment(source.volume, model, { threads, onProgress }),
  );
  const measurement = await stage('measure', () => measure(source.volume, mask));
  const finding: Finding = { source, mask, measurement, model };
  const noPast = { priors: [], current: null };
  const results = await stage('results', () => createResults(finding, noPast, settings, async () => now));

  const summary = summarize(finding, results, series, reason, clock, folder);
  await writeResults(request.output, results, summary);
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

  const decisions = selectSeries(series, rules);
  const chosen = decisions.find(
    (one) => one.chosen && one.class !== 'NONE' && MODALITY_OF[one.class] === model.info.modality,
  );
  const found = series.find((one) => one.seriesInstanceUid === chosen?.seriesInstanceUid);
  if (chosen && found) return { series: found, reason: chosen.reason };
  const reasons = decisions.map((one) => `  ${one.seriesInstanceUid} "${one.description}": ${one.reason}`);
  const message = `${input} has no series for a ${model.info.modality} model; name one with --series:\n${reasons.join('\n')}`;
  throw new InputError('INPUT_SERIES', message);
}

function summarize(
  finding: Finding,
  results: Results,
  series: FolderSeries,
  reason: string,
  clock: StageClock,
  folder: DicomFolder,
): SegmentSummary {
  const { measurement, model } = finding;
  const { segmentation, flags } = results;
  const { name, title, version, notice } = model.info;
  const leftOut = folder.otherFiles.map((file) => `${file} is not DICOM and was left out`);
  return {
    researchUseOnly: true,
    model: { name, title, version, sha256: model.sha256, ...(notice ? { notice } : {}) },
    seriesInstanceUid: series.seriesInstanceUid,
    seriesDescription: series.description,
    reason,
    volumeMl: measurement.volumeMl,
    voxelCount: measurement.voxelCount,
    meanIntensity: measurement.meanIntensity ?? null,
    sdIntensity: measurement.sdIntensity ?? null,
    flags,
    warnings: [...leftOut, ...warningsOf(finding, results)],
    files: [...(segmentation ? ['seg.dcm'] : []), 'sr.dcm', 'result.json'],
    seconds: clock.seconds,
  };
}

/** Each file appears whole or not at all; a `seg.dcm` of an earlier run does not stay beside a report that found nothing. */
async function writeResults(output: string, results: Results, summary: SegmentSummary): Promise<void> {
  const write = async (name: string, content: Uint8Array | string): Promise<void> => {
    const file = path.join(output, name);
    await writeFile(`${file}.part`, content);
    await rename(`${file}.part`, file);
  };
  await mkdir(output, { recursive: true });
  if (results.segmentation) await write('seg.dcm', results.segmentation.bytes);
  else await rm(path.join(output, 'seg.dcm'), { force: true });
  await write('sr.dcm', results.report.bytes);
  await write('result.json', `${JSON.stringify(summary, null, 2)}\n`);
}
