import { MIMEType } from 'node:util';
import {
  MultipartError,
  MultipartTooLarge,
  mediaType,
  multipartBoundary,
  splitMultipart,
} from '../dicom/web/multipart.ts';
import { ArchiveError } from './archive-error.ts';
import type { JsonDataset, JsonElement } from './dicom-json.ts';
import { headerOf, type InstanceHeader, UnreadableInstance } from './instance-header.ts';
import type { InstanceStore } from './instance-store.ts';

/** PS3.18 table I.2-2. */
const FAILURE = {
  outOfResources: 0xa700,
  cannotUnderstand: 0xc000,
  processingFailure: 0x0110,
  duplicateInstance: 0x0111,
} as const;

export interface StoreRequest {
  readonly contentType: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** Study of the path; every instance has to belong to it. */
  readonly studyUid: string | undefined;
  readonly baseUrl: string;
  /** Bytes that an instance may have; it is collected in memory. */
  readonly maxInstanceBytes: number;
}

/** PS3.18 10.5.3: status and the data set of annex I.2. */
export interface StoreResponse {
  readonly status: 200 | 202 | 409;
  readonly dataset: JsonDataset;
}

/** An instance that was not stored; without UIDs where it could not be read that far. */
interface Failure {
  readonly sopUid?: string | undefined;
  readonly sopClassUid?: string | undefined;
  readonly reason: number;
}

type Outcome = { readonly stored: InstanceHeader } | { readonly failure: Failure };

/**
 * STOW-RS (PS3.18 10.5). Parts are stored one after the other while the body arrives; memory holds one of them.
 * @param onFailure told of failures that are the archive's own, such as a full disk
 * @throws ArchiveError ARCHIVE_MEDIA_TYPE, ARCHIVE_MULTIPART, ARCHIVE_TOO_LARGE
 */
export async function storeInstances(
  store: InstanceStore,
  request: StoreRequest,
  onFailure: (error: unknown) => void,
): Promise<StoreResponse> {
  const boundary = boundaryOf(request.contentType);
  const outcomes: Outcome[] = [];
  try {
    for await (const part of splitMultipart(request.body, boundary, request.maxInstanceBytes)) {
      const isDicom = part.contentType === undefined || mediaType(part.contentType) === 'application/dicom';
      outcomes.push(
        isDicom
          ? await storeOne(store, part.bytes, request.studyUid, onFailure)
          : { failure: { reason: FAILURE.cannotUnderstand } },
      );
    }
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error;
    const count = outcomes.filter((outcome) => 'stored' in outcome).length;
    const message = `the body ${error.message}; ${count} instances before that were stored`;
    if (error instanceof MultipartTooLarge) throw new ArchiveError('ARCHIVE_TOO_LARGE', 413, message);
    throw multipartError(message, error);
  }
  if (outcomes.length === 0) throw multipartError('the body has no parts');
  return response(outcomes, request.baseUrl);
}

function boundaryOf(contentType: string | undefined): string {
  const what = 'send multipart/related; type="application/dicom"; boundary=...';
  try {
    const boundary = multipartBoundary(contentType);
    const type = new MIMEType(contentType ?? '').params.get('type')?.toLowerCase() ?? 'application/dicom';
    if (type === 'application/dicom') return boundary;
    throw new ArchiveError('ARCHIVE_MEDIA_TYPE', 415, `parts of type "${type}" are not taken: ${what}`);
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error;
    const status = mediaType(contentType) === 'multipart/related' ? 400 : 415;
    throw new ArchiveError('ARCHIVE_MEDIA_TYPE', status, `the body ${error.message}: ${what}`, {
      cause: error,
    });
  }
}

function multipartError(message: string, cause?: unknown): ArchiveError {
  return new ArchiveError('ARCHIVE_MULTIPART', 400, message, { cause });
}

async function storeOne(
  store: InstanceStore,
  bytes: Uint8Array,
  studyUid: string | undefined,
  onFailure: (error: unknown) => void,
): Promise<Outcome> {
  let header: InstanceHeader;
  try {
    header = headerOf(bytes);
  } catch (error) {
    if (!(error instanceof UnreadableInstance)) throw error;
    const { sopUid, sopClassUid } = error;
    return { failure: { sopUid, sopClassUid, reason: FAILURE.cannotUnderstand } };
  }
  const { sopUid, sopClassUid } = header;
  if (studyUid !== undefined && header.studyUid !== studyUid) {
    return { failure: { sopUid, sopClassUid, reason: FAILURE.processingFailure } };
  }
  try {
    const result = await store.put(bytes, header);
    if (result !== 'conflict') return { stored: header };
    return { failure: { sopUid, sopClassUid, reason: FAILURE.duplicateInstance } };
  } catch (error) {
    onFailure(error);
    const reason = isDiskFull(error) ? FAILURE.outOfResources : FAILURE.processingFailure;
    return { failure: { sopUid, sopClassUid, reason } };
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code));
}

function response(outcomes: readonly Outcome[], baseUrl: string): StoreResponse {
  const stored = outcomes.flatMap((outcome) => ('stored' in outcome ? [outcome.stored] : []));
  const failures = outcomes.flatMap((outcome) => ('failure' in outcome ? [outcome.failure] : []));
  const named = failures.filter(
    (failure) => failure.sopUid !== undefined && failure.sopClassUid !== undefined,
  );
  const other = failures.filter((failure) => !named.includes(failure));
  const studies = new Set(stored.map((header) => header.studyUid));
  const dataset: Record<string, JsonElement> = {
    ...(studies.size === 1 && { '00081190': values('UR', `${baseUrl}/studies/${[...studies][0]}`) }),
    ...(named.length > 0 && { '00081198': values('SQ', ...named.map(failedItem)) }),
    ...(stored.length > 0 && {
      '00081199': values('SQ', ...stored.map((header) => storedItem(header, baseUrl))),
    }),
    ...(other.length > 0 && { '0008119A': values('SQ', ...other.map(failedItem)) }),
  };
  const status = failures.length === 0 ? 200 : stored.length === 0 ? 409 : 202;
  return { status, dataset };
}

function failedItem({ sopUid, sopClassUid, reason }: Failure): JsonDataset {
  return {
    ...(sopClassUid !== undefined && { '00081150': values('UI', sopClassUid) }),
    ...(sopUid !== undefined && { '00081155': values('UI', sopUid) }),
    '00081197': values('US', reason),
  };
}

function storedItem(header: InstanceHeader, baseUrl: string): JsonDataset {
  const { studyUid, seriesUid, sopUid, sopClassUid } = header;
  return {
    '00081150': values('UI', sopClassUid),
    '00081155': values('UI', sopUid),
    '00081190': values('UR', `${baseUrl}/studies/${studyUid}/series/${seriesUid}/instances/${sopUid}`),
  };
}

function values(vr: string, ...Value: unknown[]): JsonElement {
  return { vr, Value };
}
