import { DicomError } from '../dicom-error.ts';
import { keywordOf } from './dictionary.ts';

/** A tag of eight hexadecimal digits as messages name it. */
export function describeTag(tag: string): string {
  const keyword = keywordOf(tag);
  const punctuated = `(${tag.slice(0, 4)},${tag.slice(4)})`;
  return keyword === tag ? punctuated : `${keyword} ${punctuated}`;
}

export function cutOff(source: string, what: string): DicomError {
  return new DicomError('DICOM_UNREADABLE', `${source}: cut off or corrupt: ${what}`);
}
