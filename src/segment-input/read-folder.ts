import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DicomError } from '../dicom/dicom-error.ts';
import { modalityOf } from '../dicom/geometry/image-checks.ts';
import { type DicomDataset, type Instance, readInstance, text } from '../dicom/reading/dataset.ts';
import { candidatesWithHeaders } from '../pipeline/selection/candidates.ts';
import type { CandidateSeries } from '../pipeline/selection/select.ts';
import { filesOfDirectory } from './directory-files.ts';
import { HEAD_BYTES, kindOf } from './file-kind.ts';
import { type FileSource, fileOnDisk, isFile } from './file-source.ts';
import { InputError } from './input-error.ts';
import { isSameInstance } from './same-instance.ts';
import { type OpenZip, openZip } from './zip-files.ts';

/** A series in a folder, or a part of one that holds several volumes, and where its instances are. */
export interface FolderSeries extends CandidateSeries {
  readonly files: readonly FileSource[];
}

export interface DicomFolder {
  readonly series: readonly FolderSeries[];
  /** What was left out, and copies, in words. */
  readonly warnings: readonly string[];
  /** Ends reading: the files of zip files cannot be read afterwards. */
  readonly close: () => void;
}

/**
 * Reads the headers of every DICOM file in a folder and below it, in a zip file, in zip files in a folder,
 * or of those that a DICOMDIR lists; or of one file. Pixels are not kept.
 * @throws InputError INPUT_MISSING, INPUT_ZIP; DicomError for a file that is corrupt, or where one of the
 * images should be: leaving it out would leave a gap
 */
export async function readFolder(input: string): Promise<DicomFolder> {
  const zips: OpenZip[] = [];
  const close = () => {
    for (const zip of zips) zip.close();
  };
  try {
    const files = await filesOf(input, zips);
    const { instances, warnings } = await readHeaders(files);
    if (instances.length === 0) throw new InputError('INPUT_MISSING', `${input} holds no DICOM file`);
    return { series: seriesOf(instances), warnings, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** @throws DicomError naming the file */
export async function readInstanceFile(file: FileSource): Promise<Instance> {
  return readInstance(await file.read(), file.name);
}

/** @param zips what was opened is put here, to be closed */
async function filesOf(input: string, zips: OpenZip[]): Promise<readonly FileSource[]> {
  if (!(await isOneFile(input))) {
    const files: FileSource[] = [];
    for (const file of await filesBelow(input)) files.push(...(await unpacked(file, zips)));
    return files;
  }
  const kind = kindOf(path.basename(input), await fileOnDisk(input).head(HEAD_BYTES));
  return kind === 'directory' ? filesOfDirectory(input) : unpacked(input, zips);
}

async function unpacked(file: string, zips: OpenZip[]): Promise<readonly FileSource[]> {
  const source = fileOnDisk(file);
  if (kindOf(path.basename(file), await source.head(HEAD_BYTES)) !== 'zip') return [source];
  const zip = await openZip(file);
  zips.push(zip);
  return zip.files;
}

interface ReadHeader {
  readonly file: FileSource;
  readonly dataset: DicomDataset;
}

async function readHeaders(files: readonly FileSource[]) {
  const instances = new Map<string, ReadHeader>();
  const warnings: string[] = [];
  const copies: string[] = [];
  const damaged: string[] = [];
  for (const [i, file] of files.entries()) {
    const kind = kindOf(path.basename(file.name), await file.head(HEAD_BYTES));
    if (kind === 'other') warnings.push(`${file.name} is not DICOM and was left out`);
    if (kind === 'damaged') damaged.push(file.name);
    if (kind === 'zip')
      throw new InputError('INPUT_ZIP', `${file.name} is a zip file in a zip file: unpack it`);
    if (kind !== 'instance') continue;
    const instance = await readInstanceFile(file);
    const { dataset } = instance;
    if ('DirectoryRecordSequence' in dataset) continue;
    if (isWithoutPixels(instance)) {
      damaged.push(file.name);
      continue;
    }
    // Files without one are taken for different images: whether they are one volume, their geometry says.
    const uid = text(dataset, 'SOPInstanceUID') ?? `#${i}`;
    const other = instances.get(uid);
    if (other) await refuseDifferent(instance, other.file, uid);
    if (other) copies.push(file.name);
    else instances.set(uid, { file, dataset });
  }
  if (damaged.length > 0) throw damagedFiles(damaged);
  if (copies.length > 0) {
    warnings.push(`${copies.length} file(s) are copies of others and were left out, such as ${copies[0]}`);
  }
  return { instances: [...instances.values()], warnings };
}

/** An image whose file ends between two elements of its header can be read, and has lost its pixels. */
function isWithoutPixels({ dataset, frames }: Instance): boolean {
  if (frames.length > 0 || 'FloatPixelData' in dataset || 'DoubleFloatPixelData' in dataset) return false;
  return modalityOf(dataset) !== undefined || text(dataset, 'SOPClassUID') === undefined;
}

/** How many files a message names. */
const EXAMPLES = 5;

function damagedFiles(names: readonly string[]): DicomError {
  const named = names.slice(0, EXAMPLES).join(', ');
  const more = names.length > EXAMPLES ? ` and ${names.length - EXAMPLES} more` : '';
  const what = 'empty, cut off or no DICOM: where images are missing, a volume would be wrong';
  return new DicomError(
    'DICOM_UNREADABLE',
    `${named}${more}: ${what}; take such files away or copy them anew`,
  );
}

async function refuseDifferent(instance: Instance, other: FileSource, uid: string): Promise<void> {
  if (isSameInstance(instance, await readInstanceFile(other))) return;
  const what = `both have SOPInstanceUID ${uid}, and are not the same`;
  throw new DicomError(
    'DICOM_GEOMETRY',
    `${other.name} and ${instance.source} ${what}: which counts is unclear`,
  );
}

function seriesOf(instances: readonly ReadHeader[]): FolderSeries[] {
  // Files without one are taken together: whether they are one volume, their geometry says.
  const bySeries = Map.groupBy(instances, ({ dataset }) => text(dataset, 'SeriesInstanceUID') ?? '');
  return [...bySeries].flatMap(([seriesInstanceUid, own]) => {
    const files = new Map(own.map(({ dataset, file }) => [dataset, file]));
    const headers = own.map(({ dataset }) => dataset);
    return candidatesWithHeaders(seriesInstanceUid, headers).map(({ candidate, headers: ofPart }) => ({
      ...candidate,
      files: ofPart.flatMap((header) => files.get(header) ?? []),
    }));
  });
}

async function isOneFile(input: string): Promise<boolean> {
  try {
    return await isFile(input);
  } catch (cause) {
    throw unreadable(input, cause);
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files: string[] = [];
    for (const entry of entries) {
      const file = path.join(entry.parentPath, entry.name);
      if (entry.isFile() || (entry.isSymbolicLink() && (await stat(file)).isFile())) files.push(file);
    }
    return files.sort();
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}

const unreadable = (input: string, cause: unknown): InputError => {
  const what = 'is not a folder that can be read, nor a DICOM, zip or NIfTI file';
  return new InputError('INPUT_MISSING', `${input} ${what}`, { cause });
};
