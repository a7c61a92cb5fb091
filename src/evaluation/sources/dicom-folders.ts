import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { type DicomDataset, sequence, text } from '../../dicom/reading/dataset.ts';
import { type FolderSeries, readFolder, readInstanceFile } from '../../segment-input/read-folder.ts';
import { EvaluationError } from '../evaluation-error.ts';
import type { ImageSource } from './sources.ts';

/** The volumes of each series in a folder of DICOM images, by its SeriesInstanceUID. */
export type DicomVolumes = ReadonlyMap<string, readonly FolderSeries[]>;

/** A SEG. */
export interface SegFile {
  readonly file: string;
  /** SOP Instance UIDs of the images that it is of. */
  readonly images: ReadonlySet<string>;
}

export async function dicomVolumes(folder: string): Promise<DicomVolumes> {
  return Map.groupBy((await readFolder(folder)).series, ({ seriesInstanceUid }) => seriesInstanceUid);
}

/** Of a series that holds several volumes, the one with the most images that the label is of. */
export function imageFor(
  volumes: readonly FolderSeries[],
  label: SegFile | undefined,
): ImageSource | undefined {
  const shared = ({ part }: FolderSeries) =>
    [...(part?.images ?? [])].filter((key) => label?.images.has(key.slice(0, key.lastIndexOf('#')))).length;
  const [volume] = volumes.toSorted((a, b) => shared(b) - shared(a));
  if (!volume) return undefined;
  const files = volume.files.map((file) => path.resolve(file));
  return { kind: 'dicom', files, part: volume.part && [...volume.part.images] };
}

/**
 * The SEGs of a folder, by the SeriesInstanceUID of the images that they are of
 * (PS3.3 C.12.4, Referenced Series Sequence).
 * @throws {EvaluationError} CASES_AMBIGUOUS where two are of one series, CASES_MISSING
 */
export async function segFiles(folder: string): Promise<Map<string, SegFile>> {
  const found = new Map<string, SegFile>();
  for (const file of await filesBelow(folder)) {
    const header = await readInstanceFile(file).then(
      ({ dataset }) => dataset,
      () => undefined,
    );
    if (!header || sequence(header, 'SegmentSequence').length === 0) continue;
    for (const { series, images } of referencedSeries(header)) {
      const other = found.get(series);
      if (other !== undefined) {
        const both = `${path.basename(other.file)} and ${path.basename(file)}`;
        throw new EvaluationError('CASES_AMBIGUOUS', `${folder}: ${both} are segmentations of one series`);
      }
      found.set(series, { file, images });
    }
  }
  return found;
}

function referencedSeries(header: DicomDataset): { series: string; images: Set<string> }[] {
  return sequence(header, 'ReferencedSeriesSequence').flatMap((item) => {
    const series = text(item, 'SeriesInstanceUID');
    if (series === undefined) return [];
    const images = sequence(item, 'ReferencedInstanceSequence').flatMap(
      (image) => text(image, 'ReferencedSOPInstanceUID') ?? [],
    );
    return [{ series, images: new Set(images) }];
  });
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.resolve(entry.parentPath, entry.name))
      .sort();
  } catch (cause) {
    throw new EvaluationError('CASES_MISSING', `${folder} is not a folder that can be read`, { cause });
  }
}
