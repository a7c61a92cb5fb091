import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../../coded-error.ts';
import { DicomError } from '../../dicom/dicom-error.ts';
import { type DicomDataset, sequence, text } from '../../dicom/reading/dataset.ts';
import { fileOnDisk } from '../../segment-input/file-source.ts';
import { type FolderSeries, readFolder, readInstanceFile } from '../../segment-input/read-folder.ts';
import { EvaluationError } from '../evaluation-error.ts';
import type { ImageSource } from './sources.ts';

/** The volumes of each series in a folder of DICOM images, by its SeriesInstanceUID. */
type DicomVolumes = ReadonlyMap<string, readonly FolderSeries[]>;

/** A SEG. */
export interface SegFile {
  readonly file: string;
  /** SOP Instance UIDs of the images that it is of. */
  readonly images: ReadonlySet<string>;
}

/**
 * Reads the headers of a whole folder. Where a file is damaged, nobody knows what it belongs to: then each
 * folder in it is read by itself, and the damaged ones are left out, with the reason among the problems; a
 * series that lies in several of them is left out too, as a part of it may be missing.
 */
export async function dicomVolumes(
  folder: string,
): Promise<{ readonly volumes: DicomVolumes; readonly problems: readonly string[] }> {
  const read = async (one: string) => {
    const { series, close } = await readFolder(one);
    // Workers read the images again: from files, not out of what is open here.
    close();
    return series;
  };
  const uidOf = ({ seriesInstanceUid }: FolderSeries) => seriesInstanceUid;
  try {
    return { volumes: Map.groupBy(await read(folder), uidOf), problems: [] };
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    const entries = await readdir(folder, { withFileTypes: true });
    const inside = entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(folder, name));
    if (inside.length === 0) throw error;
    const volumes = new Map<string, readonly FolderSeries[]>();
    const problems: string[] = [];
    for (const one of inside.sort()) {
      const found = await read(one).catch((problem: unknown) => {
        if (!(problem instanceof CodedError)) throw problem;
        problems.push(problem.message);
        return [];
      });
      for (const [uid, series] of Map.groupBy(found, uidOf)) volumes.set(uid, volumes.has(uid) ? [] : series);
    }
    return { volumes, problems };
  }
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
  const files = volume.files.map((file) => {
    if (file.path !== undefined) return path.resolve(file.path);
    throw new EvaluationError('CASE_INCOMPLETE', `${file.name} is in a zip file: unpack it first`);
  });
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
    const header = await readInstanceFile(fileOnDisk(file)).then(
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
