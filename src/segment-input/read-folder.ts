import { open, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type DicomDataset, type Instance, readInstance, text } from '../dicom/reading/dataset.ts';
import { candidatesOf } from '../pipeline/selection/candidates.ts';
import type { CandidateSeries } from '../pipeline/selection/select.ts';
import { InputError } from './input-error.ts';

/** A series in a folder, or a part of one that holds several volumes, and where the series' instances are. */
export interface FolderSeries extends CandidateSeries {
  readonly files: readonly string[];
}

export interface DicomFolder {
  readonly series: readonly FolderSeries[];
  /** Files that do not claim to be DICOM; they were left out. */
  readonly otherFiles: readonly string[];
}

/** PS3.10 section 7.1: a preamble of 128 bytes, then these four. */
const PREAMBLE_LENGTH = 128;
const MAGIC = 'DICM';

/**
 * Reads the headers of every DICOM file in a folder and below it, or of one file. Pixels are not kept.
 * @throws InputError INPUT_MISSING; DicomError for a DICOM file that is corrupt, as leaving it out would
 * leave a gap
 */
export async function readFolder(folder: string): Promise<DicomFolder> {
  const files = await filesBelow(folder);
  const otherFiles: string[] = [];
  const bySeries = new Map<string, { file: string; dataset: DicomDataset }[]>();
  for (const file of files) {
    if (!(await claimsToBeDicom(file))) {
      otherFiles.push(file);
      continue;
    }
    const { dataset } = await readInstanceFile(file);
    // Files without one are taken together: whether they are one volume, their geometry says.
    const uid = text(dataset, 'SeriesInstanceUID') ?? '';
    bySeries.set(uid, [...(bySeries.get(uid) ?? []), { file, dataset }]);
  }
  if (bySeries.size === 0) throw new InputError('INPUT_MISSING', `${folder} holds no DICOM file`);
  const series = [...bySeries].flatMap(([seriesInstanceUid, instances]) => {
    const headers = instances.map(({ dataset }) => dataset);
    const ofSeries = { files: instances.map(({ file }) => file) };
    return candidatesOf(seriesInstanceUid, headers).map((candidate) => ({ ...candidate, ...ofSeries }));
  });
  return { series, otherFiles };
}

/** @throws DicomError naming the file */
export async function readInstanceFile(file: string): Promise<Instance> {
  return readInstance(await readFile(file), file);
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    if ((await stat(folder)).isFile()) return [folder];
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort();
  } catch (cause) {
    throw new InputError('INPUT_MISSING', `${folder} is not a folder that can be read, nor a NIfTI file`, {
      cause,
    });
  }
}

async function claimsToBeDicom(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, PREAMBLE_LENGTH);
    return buffer.toString('latin1') === MAGIC;
  } finally {
    await handle.close();
  }
}
