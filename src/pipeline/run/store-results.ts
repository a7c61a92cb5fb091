import { DicomError } from '../../dicom/dicom-error.ts';
import type { ImageArchive } from '../../dicom/image-archive.ts';
import type { ResultObject } from '../../results/result-context.ts';
import { readGivenSegmentation } from '../../seg/read-segmentation.ts';
import type { Database } from '../../store/database/sql.ts';
import { linkResultSeries, type ResultKind, recordResultSeries } from '../../store/records/own-series.ts';
import type { Results, SegmentedSeries } from './create-results.ts';

const resultObjects = ({ segmentations, report, pictures }: Results): [ResultKind, ResultObject][] => [
  ...segmentations.map((segmentation): [ResultKind, ResultObject] => ['SEG', segmentation]),
  ['SR', report],
  ...pictures.keyImages.map((image): [ResultKind, ResultObject] => ['SC', image]),
  ...(pictures.pdf ? [['PDF', pictures.pdf] satisfies [ResultKind, ResultObject]] : []),
];

/**
 * Stores the results in the study, those that are not there yet. They are remembered as the node's own first,
 * so that no look at the archive in between takes them for news.
 * @throws DicomError DICOM_STORE_INCOMPLETE naming what is missing afterwards
 */
export async function storeResults(
  results: Results,
  studyInstanceUid: string,
  parts: StoreParts,
  signal?: AbortSignal,
): Promise<void> {
  const objects = resultObjects(results);
  await storeObjects(objects, studyInstanceUid, parts, signal);
  const series = new Set(objects.map(([, { seriesInstanceUid }]) => seriesInstanceUid));
  await linkResultSeries(parts.database, results.report.sopInstanceUid, [...series]);
}

interface StoreParts {
  readonly archive: ImageArchive;
  readonly database: Database;
  readonly now: () => Date;
}

/** As `storeResults`, for any objects of the node. */
export async function storeObjects(
  objects: readonly (readonly [ResultKind, ResultObject])[],
  studyInstanceUid: string,
  { archive, database, now }: StoreParts,
  signal?: AbortSignal,
): Promise<void> {
  const series = objects.map(([kind, { seriesInstanceUid, sopInstanceUid }]) => ({
    kind,
    studyInstanceUid,
    seriesInstanceUid,
    sopInstanceUid,
  }));
  await recordResultSeries(database, series, now());
  const missing: Uint8Array[] = [];
  for (const [, { seriesInstanceUid, sopInstanceUid, bytes }] of objects) {
    const isThere = await archive.isStored(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
    if (!isThere) missing.push(bytes);
  }
  if (missing.length > 0) await archive.storeVerified(studyInstanceUid, missing, signal);
}

/**
 * Proves that each SEG in the archive is the mask: fetched back and read, every voxel is equal. One that is
 * not is sent once more, as some archives replace what they have.
 * @throws DicomError DICOM_STORE_INCOMPLETE where it still isn't
 */
export async function verifyStored(
  { segmentations }: Results,
  { source, mask }: SegmentedSeries,
  studyInstanceUid: string,
  archive: ImageArchive,
  signal?: AbortSignal,
): Promise<void> {
  for (const { seriesInstanceUid, sopInstanceUid, bytes } of segmentations) {
    const problem = async (): Promise<string | undefined> =>
      differenceFrom(
        mask,
        await archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal),
        source,
      );
    if (!(await problem())) continue;
    await archive.storeVerified(studyInstanceUid, [bytes], signal);
    const remaining = await problem();
    if (!remaining) continue;
    const message = `SEG ${sopInstanceUid}: what the archive gives back ${remaining}`;
    throw new DicomError('DICOM_STORE_INCOMPLETE', message);
  }
}

/** What is wrong with a SEG that should hold the mask; undefined where it does. */
async function differenceFrom(
  mask: Uint8Array,
  bytes: Uint8Array,
  source: SegmentedSeries['source'],
): Promise<string | undefined> {
  try {
    const stored = await readGivenSegmentation(bytes, source);
    return Buffer.compare(stored, mask) === 0 ? undefined : 'differs from the mask that was stored';
  } catch (error) {
    if (error instanceof DicomError) return `is not the SEG that was stored: ${error.message}`;
    throw error;
  }
}
