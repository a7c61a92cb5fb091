import { isDeepStrictEqual } from 'node:util';
import type { Instance } from '../dicom/reading/dataset.ts';
import { isNative } from '../dicom/reading/transfer-syntaxes.ts';

/**
 * Whether two instances are copies of one: the same data set and the same pixels. File meta information, and
 * how a data set is written, differ from sender to sender.
 */
export function isSameInstance(a: Instance, b: Instance): boolean {
  const bothNative = isNative(a.transferSyntaxUid) && isNative(b.transferSyntaxUid);
  return (
    (bothNative || a.transferSyntaxUid === b.transferSyntaxUid) &&
    isDeepStrictEqual(a.dataset, b.dataset) &&
    a.frames.length === b.frames.length &&
    a.frames.every((frame, i) => Buffer.compare(frame, b.frames[i] ?? new Uint8Array()) === 0)
  );
}
