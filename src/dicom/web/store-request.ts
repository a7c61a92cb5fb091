import { MIMEType } from 'node:util';
import { MultipartError, mediaType, multipartBoundary, streamMultipart } from './multipart.ts';

/** Failure reasons of PS3.18 table I.2-2 that the node gives itself. */
export const FAILURE_REASON = {
  outOfResources: 0xa700,
  cannotUnderstand: 0xc000,
  processingFailure: 0x0110,
  duplicateInstance: 0x0111,
} as const;

interface StoredPart {
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly sopUid: string;
  readonly sopClassUid: string;
}

/** An instance that was not stored; without UIDs where it could not be read that far. */
interface PartFailure {
  readonly sopUid?: string | undefined;
  readonly sopClassUid?: string | undefined;
  /** One of FAILURE_REASON. */
  readonly reason: number;
}

export type PartOutcome = { readonly stored: StoredPart } | { readonly failure: PartFailure };

/** Parts of one request: beyond the largest studies that are sent at once. */
const MOST_PARTS = 50_000;
/** Parts that are no instances: a sender that has so many sends something else. */
const MOST_UNREADABLE = 1_000;
/** Failures that an answer lists; an instance that it does not name as stored is not stored. */
const MOST_LISTED = 1_000;

/** What is wrong with a whole request; its answer has no data set. */
const REFUSALS = {
  mediaType: 415,
  malformedType: 400,
  multipart: 400,
  tooLarge: 413,
} as const;

export class StoreRequestError extends Error {
  override readonly name = 'StoreRequestError';
  readonly refusal: keyof typeof REFUSALS;
  readonly status: number;
  /** Instances that were stored before it came to light. */
  readonly storedBefore: number;

  constructor(
    refusal: keyof typeof REFUSALS,
    message: string,
    { storedBefore = 0, ...options }: ErrorOptions & { readonly storedBefore?: number } = {},
  ) {
    super(message, options);
    this.refusal = refusal;
    this.status = REFUSALS[refusal];
    this.storedBefore = storedBefore;
  }
}

export interface StoreRequest {
  readonly contentType: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Also thrown by a StorePart: an instance has more bytes than are taken. */
export class PartTooLarge extends Error {
  override readonly name = 'PartTooLarge';
}

/** Stores one instance while it arrives. What it throws ends the request. */
export type StorePart = (content: AsyncIterable<Uint8Array>) => Promise<PartOutcome>;

/**
 * The body of a STOW-RS request (PS3.18 10.5.1): its parts are stored one after the other while it arrives.
 * @throws StoreRequestError where the body is not of parts of type application/dicom, is cut off, or has a
 *   part that is too large, too many parts, or too many that cannot be read; what else `storePart` throws
 */
export async function storeParts(
  { contentType, body }: StoreRequest,
  storePart: StorePart,
): Promise<PartOutcome[]> {
  const boundary = boundaryOf(contentType);
  const outcomes: PartOutcome[] = [];
  let unreadable = 0;
  try {
    for await (const part of streamMultipart(unbroken(body), boundary)) {
      const isDicom = part.contentType === undefined || mediaType(part.contentType) === 'application/dicom';
      outcomes.push(
        isDicom ? await storePart(part.content) : { failure: { reason: FAILURE_REASON.cannotUnderstand } },
      );
      if (isUnreadable(outcomes.at(-1))) unreadable += 1;
      if (unreadable > MOST_UNREADABLE) {
        throw new MultipartError(`has more than ${MOST_UNREADABLE} parts that are no DICOM instances`);
      }
      if (outcomes.length > MOST_PARTS) throw new PartTooLarge(`has more than ${MOST_PARTS} parts`);
    }
  } catch (error) {
    if (!(error instanceof MultipartError || error instanceof PartTooLarge)) throw error;
    const storedBefore = outcomes.filter((outcome) => 'stored' in outcome).length;
    const refusal = error instanceof PartTooLarge ? 'tooLarge' : 'multipart';
    throw new StoreRequestError(refusal, `the body ${error.message}`, { storedBefore, cause: error });
  }
  if (outcomes.length === 0) throw new StoreRequestError('multipart', 'the body has no parts');
  return outcomes;
}

const isUnreadable = (outcome: PartOutcome | undefined): boolean =>
  outcome !== undefined && 'failure' in outcome && outcome.failure.reason === FAILURE_REASON.cannotUnderstand;

/**
 * A connection that breaks is the sender's affair, as is a body that ends early; it is no fault of the disk.
 */
async function* unbroken(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw new MultipartError('broke off with the connection', { cause });
  }
}

function boundaryOf(contentType: string | undefined): string {
  const what = 'send multipart/related; type="application/dicom"; boundary=...';
  try {
    const boundary = multipartBoundary(contentType);
    const type = new MIMEType(contentType ?? '').params.get('type')?.toLowerCase() ?? 'application/dicom';
    if (type === 'application/dicom') return boundary;
    throw new StoreRequestError('mediaType', `parts of type "${type}" are not taken: ${what}`);
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error;
    const refusal = mediaType(contentType) === 'multipart/related' ? 'malformedType' : 'mediaType';
    throw new StoreRequestError(refusal, `the body ${error.message}: ${what}`, { cause: error });
  }
}

/** A data set of the answer, in the DICOM JSON model. */
export type AnswerDataset = Readonly<Record<string, { readonly vr: string; readonly Value?: unknown[] }>>;

/** PS3.18 10.5.3: status and the data set of annex I.2. */
export interface StoreAnswer {
  readonly status: 200 | 202 | 409;
  readonly dataset: AnswerDataset;
}

/**
 * What a STOW-RS request is answered.
 * @param retrieveRoot where the stored instances can be retrieved: the root of that DICOMweb service;
 * undefined: nowhere yet,
 *   and RetrieveURL, which is of type 2, is empty
 */
export function storeAnswer(outcomes: readonly PartOutcome[], retrieveRoot: string | undefined): StoreAnswer {
  const stored = outcomes.flatMap((outcome) => ('stored' in outcome ? [outcome.stored] : []));
  const failures = outcomes.flatMap((outcome) => ('failure' in outcome ? [outcome.failure] : []));
  const named = failures.filter(
    ({ sopUid, sopClassUid }) => sopUid !== undefined && sopClassUid !== undefined,
  );
  const other = failures.filter((failure) => !named.includes(failure));
  const [study, ...moreStudies] = new Set(stored.map(({ studyUid }) => studyUid));
  const retrieveUrl = (path: string | undefined) => ({
    '00081190':
      retrieveRoot === undefined || path === undefined
        ? { vr: 'UR' }
        : values('UR', `${retrieveRoot}/studies/${path}`),
  });
  const dataset: AnswerDataset = {
    ...retrieveUrl(moreStudies.length === 0 ? study : undefined),
    ...(named.length > 0 && { '00081198': values('SQ', ...listed(named)) }), // FailedSOPSequence
    ...(stored.length > 0 && {
      // ReferencedSOPSequence
      '00081199': values(
        'SQ',
        ...stored.map(({ studyUid, seriesUid, sopUid, sopClassUid }) => ({
          '00081150': values('UI', sopClassUid),
          '00081155': values('UI', sopUid),
          ...retrieveUrl(`${studyUid}/series/${seriesUid}/instances/${sopUid}`),
        })),
      ),
    }),
    ...(other.length > 0 && { '0008119A': values('SQ', ...listed(other)) }), // OtherFailuresSequence
  };
  const status = failures.length === 0 ? 200 : stored.length === 0 ? 409 : 202;
  return { status, dataset };
}

const listed = (failures: readonly PartFailure[]): AnswerDataset[] =>
  failures.slice(0, MOST_LISTED).map(failedItem);

function failedItem({ sopUid, sopClassUid, reason }: PartFailure): AnswerDataset {
  return {
    ...(sopClassUid !== undefined && { '00081150': values('UI', sopClassUid) }), // ReferencedSOPClassUID
    ...(sopUid !== undefined && { '00081155': values('UI', sopUid) }), // ReferencedSOPInstanceUID
    '00081197': values('US', reason), // FailureReason
  };
}

function values(vr: string, ...Value: unknown[]): { vr: string; Value: unknown[] } {
  return { vr, Value };
}
