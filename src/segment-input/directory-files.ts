import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { type DicomDataset, readInstance, sequence, text, texts } from '../dicom/reading/dataset.ts';
import { type FileSource, fileOnDisk, isFile } from './file-source.ts';
import { InputError } from './input-error.ts';

/** How many files a message names. */
const EXAMPLES = 3;

/**
 * The files that a DICOMDIR (PS3.3 F.3) lists, which lie in its folder or below.
 * @throws InputError INPUT_MISSING where an image that it lists is not there, or would lie outside;
 *   DicomError where it is damaged
 */
export async function filesOfDirectory(file: string): Promise<FileSource[]> {
  const { dataset } = readInstance(await fileOnDisk(file).read(), file);
  const root = await realpath(path.dirname(file));
  const found: FileSource[] = [];
  const missing: string[] = [];
  for (const record of sequence(dataset, 'DirectoryRecordSequence')) {
    const components = texts(record, 'ReferencedFileID');
    if (components.length === 0 || !isInUse(record)) continue;
    const place = await placeOf(root, components);
    if (place !== undefined) found.push(fileOnDisk(place));
    // Viewers, reports and pictures beside the images are no loss.
    else if (text(record, 'DirectoryRecordType') === 'IMAGE') missing.push(components.join('/'));
  }
  if (missing.length > 0) {
    const named = missing.slice(0, EXAMPLES).join(', ') + (missing.length > EXAMPLES ? ', ...' : '');
    const what = `${missing.length} of the images that ${file} lists are not in its folder: ${named}`;
    throw new InputError('INPUT_MISSING', what);
  }
  return found;
}

/** RecordInUseFlag FFFF; 0 is what was deleted from the list. */
const isInUse = (record: DicomDataset): boolean => text(record, 'RecordInUseFlag') !== '0';

/** Discs hold capitals; copies of them may have small letters. */
async function placeOf(root: string, components: readonly string[]): Promise<string | undefined> {
  let place = root;
  for (const component of components) {
    if (['.', '..'].includes(component) || /[/\\\0]/.test(component)) return undefined;
    const names = await readdir(place).catch((): string[] => []);
    const plain = (name: string) => name.toLowerCase().replace(/;\d+$/, '');
    const name = names.includes(component) ? component : names.find((one) => plain(one) === plain(component));
    if (name === undefined) return undefined;
    place = path.join(place, name);
  }
  // A link may lead elsewhere.
  const real = await realpath(place).catch(() => undefined);
  const inside = real !== undefined && real.startsWith(root + path.sep);
  return inside && (await isFile(real)) ? place : undefined;
}
