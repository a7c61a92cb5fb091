import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CodedError } from '../coded-error.ts';
import { buildVolume } from '../dicom/geometry/series-volume.ts';
import type { ImageArchive } from '../dicom/image-archive.ts';
import { readInstance } from '../dicom/reading/dataset.ts';
import { readSegmentation } from '../seg/read-segmentation.ts';
import { dice } from '../segmentation/dice.ts';
import { readReport } from '../sr/read-report.ts';
import type { StudyListing } from '../store/records/find-studies.ts';
import type { VolumeRecord } from '../store/records/volume-record.ts';
import { type SyntheticStudy, syntheticStudies } from './studies.ts';

/** Within it a node that looks every second has seen what came later, and processed it. */
const ANOTHER_LOOK_MS = 60_000;

/** The part of a running node that the demo uses. */
export interface DemoNode {
  readonly archive: ImageArchive;
  studyEnded(studyInstanceUid: string): Promise<void>;
  studyDetails(studyInstanceUid: string): Promise<StudyListing | undefined>;
}

/** How one series came out, beside what is true of the synthetic patient. */
export interface DemoResult {
  readonly study: string;
  readonly series: string;
  readonly volumeMl: number;
  readonly trueVolumeMl: number;
  readonly dice: number;
  /** Change since the patient's first study, in percent, as the report states it. */
  readonly changePercent: number | undefined;
}

class DemoError extends CodedError<'DEMO_FAILED'> {
  constructor(message: string, options?: ErrorOptions) {
    super('DEMO_FAILED', message, options);
  }
}

/**
 * Sends the synthetic studies to the archive, one after the other as the years went by, and waits until the
 * node has processed each.
 * @param output where SEG and SR are copied to
 * @throws DemoError where a study did not end with results
 */
export async function* runDemo(node: DemoNode, output?: string): AsyncGenerator<DemoResult> {
  for (const study of syntheticStudies()) {
    const { studyInstanceUid, title } = study;
    // All at once, so that the node never sees half a study standing still.
    const instances = study.series.flatMap((series) => [...series.instances()]);
    const ended = node.studyEnded(studyInstanceUid);
    await node.archive.storeVerified(studyInstanceUid, instances);
    await ended;

    const wanted = study.series.filter(({ kind }) => kind !== 'NONE').length;
    const isWhole = (found: StudyListing | undefined) =>
      found?.study.state === 'done' && found.volumes.length === wanted;
    const again = node.studyEnded(studyInstanceUid);
    let details = await node.studyDetails(studyInstanceUid);
    if (!isWhole(details)) {
      // On a busy machine the node may have looked before all had arrived; then it looks once more.
      await Promise.race([again, setTimeout(ANOTHER_LOOK_MS, undefined, { ref: false })]);
      details = await node.studyDetails(studyInstanceUid);
    }
    if (!details || !isWhole(details)) {
      throw new DemoError(
        `${title}: ${details?.study.state ?? 'not seen'}: ${details?.study.reason ?? 'no reason given'}`,
      );
    }
    for (const volume of details.volumes) yield await resultOf(study, volume, node.archive, output);
  }
}

async function resultOf(
  study: SyntheticStudy,
  volume: VolumeRecord,
  archive: ImageArchive,
  output: string | undefined,
): Promise<DemoResult> {
  const series = study.series.find(({ seriesInstanceUid }) => seriesInstanceUid === volume.seriesInstanceUid);
  const truth = series?.truth?.();
  if (!series || !truth || !volume.seg) {
    throw new DemoError(`${study.title}: no pancreas was found where one is`);
  }
  const retrieve = ({ seriesInstanceUid, sopInstanceUid }: VolumeRecord['report']) =>
    archive.retrieveInstance(study.studyInstanceUid, seriesInstanceUid, sopInstanceUid);
  const segmentation = await retrieve(volume.seg);
  const report = await retrieve(volume.report);
  if (output !== undefined) {
    const name = path.join(output, fileName(`${study.title} ${series.description}`));
    await mkdir(output, { recursive: true });
    await writeFile(`${name}.seg.dcm`, segmentation);
    await writeFile(`${name}.sr.dcm`, report);
  }
  const source = await buildVolume(
    [...series.instances()].map((bytes) => readInstance(bytes, series.description)),
  );
  return {
    study: study.title,
    series: series.description,
    volumeMl: volume.volumeMl,
    trueVolumeMl: study.pancreasVolumeMl,
    dice: dice(readSegmentation(segmentation, source), truth.voxels),
    changePercent: readReport(report)?.changesPercent[0],
  };
}

/** Letters, digits and dashes only. */
const fileName = (words: string): string => words.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase();
