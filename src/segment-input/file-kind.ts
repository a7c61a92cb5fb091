import path from 'node:path';
import { bareStart } from '../dicom/reading/bare-data-set.ts';
import { readMeta } from '../dicom/reading/part10.ts';

/**
 * What a file is taken for. `directory`: a DICOMDIR, which lists images and is none. `other`: something else
 * that people keep beside images. `damaged`: nothing that can be read where an image is to be expected; it
 * may be one of the series, so it is not left out.
 */
export type FileKind = 'instance' | 'directory' | 'zip' | 'other' | 'damaged';

/** Of a file's bytes so many tell its kind. */
export const HEAD_BYTES = 4096;

const DIRECTORY_CLASS = '1.2.840.10008.1.3.10';
/** File-set identification and directory records (PS3.3 F.3.2.1). */
const DIRECTORY_GROUP = 0x0004;
const DIRECTORY_NAME = /^(DICOMDIR|DIRFILE)(\.\w+)?(;\d+)?$/i;
/** The class stands in the file meta information, which is some 350 bytes. */
const META_BYTES = 512;
/** Endings of DICOM files; many have none, or a number, as where the name is a UID. */
const DICOM_ENDING = /^(|\.dcm|\.dicom|\.dic|\.ima|\.img|\.raw|\.part\d*|\.\d+)$/i;
const ZIP_STARTS = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'];

/** @param name the file's, without folders */
export function kindOf(name: string, head: Uint8Array): FileKind {
  if (isDirectory(name, head)) return 'directory';
  if (hasMarker(head) || bareStart(head) !== undefined) return 'instance';
  const isZip = ZIP_STARTS.includes(latin1(head, 0, 4));
  const ending = path.extname(name);
  if (isZip && (DICOM_ENDING.test(ending) || /^\.zip$/i.test(ending))) return 'zip';
  // Names that begin with a dot are the system's: ._001.dcm, .DS_Store.
  if (name.startsWith('.') || !(DICOM_ENDING.test(ending) || isZipName(name))) return 'other';
  return ending === '' && head.length > 0 && isText(head) ? 'other' : 'damaged';
}

const isZipName = (name: string): boolean => /\.zip$/i.test(name);

function isDirectory(name: string, head: Uint8Array): boolean {
  const stated = statedClass(head);
  if (stated !== undefined) return stated === DIRECTORY_CLASS;
  const bare = bareStart(head);
  if (bare?.kind === 'data set') return (head[0] ?? 0) + (head[1] ?? 0) === DIRECTORY_GROUP;
  // Damaged, or cut off: by its name, or by what is left of it.
  const left = latin1(head, 0, META_BYTES);
  return (
    DIRECTORY_NAME.test(name) || new RegExp(`${DIRECTORY_CLASS.replaceAll('.', '\\.')}(?![\\d.])`).test(left)
  );
}

/** MediaStorageSOPClassUID, where the file meta information can be read. */
function statedClass(head: Uint8Array): string | undefined {
  if (!hasMarker(head)) return undefined;
  try {
    const value = readMeta(Uint8Array.from(head), '').dataset['MediaStorageSOPClassUID'];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

const hasMarker = (head: Uint8Array): boolean => latin1(head, 128, 132) === 'DICM';

const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.subarray(start, end)).toString('latin1');

function isText(head: Uint8Array): boolean {
  return head.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
}
