import { DicomError } from '../../dicom/dicom-error.ts';
import { type DicomDataset, sequence, text } from '../../dicom/reading/dataset.ts';
import { readForeignInstance } from '../../dicom/reading/foreign-instances.ts';
import { pancreasSegmentNumber } from '../../seg/read-frames.ts';
import { segmentOnSeries } from '../../seg/read-segmentation.ts';
import { measure } from '../../segmentation/measure.ts';
import { reportReference } from '../../sr/report-form.ts';
import { announceResult } from '../../store/exchange/announce-result.ts';
import { findVolume, recordCorrection } from '../../store/records/history.ts';
import { fixedTime, type Run } from '../../store/records/run-log.ts';
import type { MeasuredVolume } from '../../store/records/volume-record.ts';
import { correctionReport } from './correction-report.ts';
import type { Past, SegmentedSeries } from './create-results.ts';
import type { RunParts } from './run-parts.ts';
import { storeObjects } from './store-results.ts';

/** A reader's SEG of the pancreas on the series of a finding. */
interface ReaderSeg {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly segmentNumber: number;
  /** Who made it (PN), where it says so. */
  readonly reader?: string;
  /** Content Date and Time, to tell the newest. */
  readonly writtenAt: string;
}

/**
 * Looks whether a reader has stored a SEG in place of the node's: one that the node did not write, that
 * refers to the node's or to its source series, and has a pancreas segment. The newest counts. Its volume is
 * measured, and a report that supersedes the standing one is stored. A SEG that was dealt with before is left
 * alone.
 * @param segmentations series of SEGs in the study that the node did not write
 * @param volume what the run has just recorded
 */
export async function takeCorrection(
  segmentations: readonly string[],
  finding: SegmentedSeries,
  past: Past,
  volume: MeasuredVolume,
  run: Run,
  parts: RunParts,
  signal?: AbortSignal,
): Promise<void> {
  const { archive, database, settings, now, warn } = parts;
  const { studyInstanceUid } = run;
  const standing = await findVolume(database, volume.report.sopInstanceUid);
  const seg = await newestOn(segmentations, finding, volume, studyInstanceUid, archive, signal);
  if (!seg || !standing || standing.correction?.seg.sopInstanceUid === seg.sopInstanceUid) return;

  const { seriesInstanceUid, sopInstanceUid } = seg;
  const bytes = await archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
  let mask: Uint8Array;
  try {
    const instance = await readForeignInstance(bytes, `the reader's SEG ${sopInstanceUid}`);
    mask = segmentOnSeries(instance, seg.segmentNumber, finding.source, { sourcesNamed: false });
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    // Another's object may be anything: the node's own result stands, and the log says why.
    warn({ studyInstanceUid, sopInstanceUid, reason: error.message }, 'a corrected SEG cannot be taken');
    return;
  }
  const measurement = measure(finding.source.volume, mask);
  const superseded = standing.correction?.report ?? standing.report;
  const { report, contentDateTime } = await correctionReport(
    { ...finding, mask, softMask: undefined, measurement },
    { ...past, supersedes: { studyInstanceUid, ...superseded }, seg },
    settings,
    (name) => fixedTime(database, name, now()),
  );
  await storeObjects([['SR', report]], studyInstanceUid, parts, signal);
  const correction = {
    volumeMl: measurement.volumeMl,
    voxelCount: measurement.voxelCount,
    seg: { seriesInstanceUid, sopInstanceUid },
    report: reportReference(report, superseded),
    supersedes: superseded.sopInstanceUid,
    contentDateTime: contentDateTime.toISOString(),
  };
  await database.transaction(async (sql) => {
    await recordCorrection(sql, standing.report.sopInstanceUid, correction);
    await announceResult(sql, standing.report.sopInstanceUid, now());
  });
}

async function newestOn(
  segmentations: readonly string[],
  { source }: SegmentedSeries,
  { seriesInstanceUid, seg }: MeasuredVolume,
  studyInstanceUid: string,
  archive: RunParts['archive'],
  signal: AbortSignal | undefined,
): Promise<ReaderSeg | undefined> {
  const images = new Set(source.slices.map(({ sopInstanceUid }) => sopInstanceUid));
  const found: ReaderSeg[] = [];
  for (const series of segmentations) {
    for (const header of await archive.seriesMetadata(studyInstanceUid, series, signal)) {
      const segmentNumber = pancreasSegmentNumber(header);
      if (segmentNumber === undefined) continue;
      const named = referencedUids(header);
      // A series with several parts: the images tell which of them it is of.
      const isOfSource = named.has(seriesInstanceUid) && [...images].some((image) => named.has(image));
      if (!isOfSource && !(seg && named.has(seg.sopInstanceUid))) continue;
      const reader = text(header, 'ContentCreatorName') ?? text(header, 'OperatorsName');
      found.push({
        studyInstanceUid,
        seriesInstanceUid: series,
        sopClassUid: text(header, 'SOPClassUID') ?? '',
        sopInstanceUid: text(header, 'SOPInstanceUID') ?? '',
        segmentNumber,
        ...(reader === undefined ? {} : { reader }),
        writtenAt: `${text(header, 'ContentDate') ?? ''}${text(header, 'ContentTime') ?? ''}`,
      });
    }
  }
  const key = ({ writtenAt, sopInstanceUid }: ReaderSeg) => `${writtenAt} ${sopInstanceUid}`;
  return found.sort((a, b) => (key(a) < key(b) ? -1 : 1)).at(-1);
}

/** Series and instances that an object refers to, at any depth. */
function referencedUids(dataset: DicomDataset): Set<string> {
  const uids = new Set<string>();
  const visit = (item: DicomDataset, isTop: boolean): void => {
    const keywords = ['ReferencedSOPInstanceUID', ...(isTop ? [] : ['SeriesInstanceUID'])];
    for (const keyword of keywords) {
      const uid = text(item, keyword);
      if (uid !== undefined) uids.add(uid);
    }
    for (const keyword of Object.keys(item)) for (const inner of sequence(item, keyword)) visit(inner, false);
  };
  visit(dataset, true);
  return uids;
}
