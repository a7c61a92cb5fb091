import { DicomError } from '../../dicom-error.ts';

/** Statuses that say how a request goes on (PS3.7 annex C, PS3.4 annex C). */
export const STATUS = {
  success: 0x0000,
  pending: 0xff00,
  pendingWithWarning: 0xff01,
  canceled: 0xfe00,
  processingFailure: 0x0110,
  notAuthorized: 0x0124,
  unrecognizedOperation: 0x0211,
  limitedResources: 0x0213,
} as const;

export const isPending = (status: number): boolean =>
  status === STATUS.pending || status === STATUS.pendingWithWarning;

/** Success and warnings of C-STORE (PS3.4 table B.2-1): the instance is stored. */
export const isStoredStatus = (status: number): boolean =>
  status === STATUS.success || (status >= 0xb000 && status <= 0xbfff);

export const isOutOfResources = (status: number): boolean => status >= 0xa700 && status <= 0xa7ff;

/** Some sub-operations failed, or none could be done: PS3.4 tables C.4-2 and C.4-3. */
export const isWorthAnotherTry = (status: number): boolean =>
  status === STATUS.success || status === 0xb000 || isOutOfResources(status);

const WORDS: readonly [from: number, to: number, words: string][] = [
  [0x0105, 0x0105, 'no such attribute'],
  [0x0106, 0x0106, 'invalid attribute value'],
  [0x0110, 0x0110, 'processing failure'],
  [0x0111, 0x0111, 'another instance with this UID is there already'],
  [0x0112, 0x0112, 'no such instance'],
  [0x0117, 0x0117, 'invalid SOP instance UID'],
  [0x0118, 0x0118, 'no such SOP class'],
  [0x0119, 0x0119, 'class and instance do not belong together'],
  [0x0122, 0x0122, 'SOP class not supported'],
  [0x0124, 0x0124, 'not authorized'],
  [0x0131, 0x0131, 'this transaction UID was used before'],
  [0x0210, 0x0210, 'message ID used twice'],
  [0x0211, 0x0211, 'operation not known'],
  [0x0213, 0x0213, 'resources are limited'],
  [0xa701, 0xa701, 'out of resources: matches cannot be counted'],
  [0xa702, 0xa702, 'out of resources: the instances cannot be sent'],
  [0xa700, 0xa7ff, 'out of resources'],
  [
    0xa801,
    0xa801,
    'the move destination is not known there: register archive.dimse.aeTitle with its host and port',
  ],
  [0xa900, 0xa9ff, 'data set does not match its SOP class'],
  [0xb000, 0xb000, 'some instances could not be sent'],
  [0xc000, 0xcfff, 'the archive cannot process it'],
  [0xfe00, 0xfe00, 'ended before it was complete'],
];

/** A status in words, with its number. */
export function statusText(status: number): string {
  const known = WORDS.find(([from, to]) => status >= from && status <= to);
  return `${known?.[2] ?? 'failure'} (0x${status.toString(16).toUpperCase().padStart(4, '0')})`;
}

/**
 * The same request would be refused again: PS3.7 annex C.4 and C.5, PS3.4 table B.2-1. Whether somebody is
 * authorized, or a title is known, an administrator may change; what the archive cannot process now, it may
 * later.
 */
const isLastingStatus = (status: number): boolean =>
  (status >= 0x0105 && status <= 0x0122 && status !== STATUS.processingFailure) ||
  (status >= 0xa900 && status <= 0xa9ff);

/** DICOM_WEB_STATUS of an archive that speaks DIMSE: it answered a request with a failure. */
export class DimseStatusError extends DicomError {
  readonly dimseStatus: number;
  /** Whether another try is of no use. */
  readonly isLasting: boolean;

  /** @param comment ErrorComment (0000,0902) */
  constructor(what: string, status: number, comment?: string) {
    super('DICOM_WEB_STATUS', `${what}: ${statusText(status)}${comment ? `: ${comment}` : ''}`);
    this.dimseStatus = status;
    this.isLasting = isLastingStatus(status);
  }
}

/** The other side accepts no presentation context for what is wanted: it does not offer it. */
export class NotOffered extends DicomError {
  readonly isLasting = true;

  constructor(what: string) {
    super('DICOM_WEB_STATUS', what);
  }
}
