import { codeOf } from '../coded-error.ts';
import { MultipartError } from '../dicom/web/multipart.ts';
import {
  FAILURE_REASON,
  type PartOutcome,
  PartTooLarge,
  type StoreAnswer,
  type StoreRequest,
  StoreRequestError,
  storeAnswer,
  storeParts,
} from '../dicom/web/store-request.ts';
import { ArchiveError, type ArchiveErrorCode } from './archive-error.ts';
import { headerOf } from './header-pool.ts';
import { type InstanceHeader, UnreadableInstance } from './instance-header.ts';
import type { InstanceStore } from './instance-store.ts';

export interface StoringRequest extends StoreRequest {
  /** Study of the path; every instance has to belong to it. */
  readonly studyUid: string | undefined;
  readonly baseUrl: string;
  readonly maxInstanceBytes: number;
}

export interface StoringListener {
  /** Called with failures of the archive itself, such as a full disk. */
  failed(error: unknown): void;
  /**
   * Called with the instances that the archive has now, before the sender gets its answer. Includes those
   * that it had already: the node may have been killed after storing and before announcing them. Where it
   * rejects, the request fails too, and the sender sends again.
   */
  stored(instances: readonly InstanceHeader[]): Promise<void>;
}

const CODES: Readonly<Record<StoreRequestError['refusal'], ArchiveErrorCode>> = {
  mediaType: 'ARCHIVE_MEDIA_TYPE',
  malformedType: 'ARCHIVE_MEDIA_TYPE',
  multipart: 'ARCHIVE_MULTIPART',
  tooLarge: 'ARCHIVE_TOO_LARGE',
};

/**
 * STOW-RS (PS3.18 10.5). Parts are stored one after the other while the body arrives, and pass to the disk in
 * pieces.
 * @throws ArchiveError ARCHIVE_MEDIA_TYPE, ARCHIVE_MULTIPART, ARCHIVE_TOO_LARGE
 */
export async function storeInstances(
  store: InstanceStore,
  request: StoringRequest,
  listener: StoringListener,
): Promise<StoreAnswer> {
  const present: InstanceHeader[] = [];
  try {
    const outcomes = await storeParts(request, (content) =>
      storeOne(store, content, request, listener, (header) => present.push(header)),
    );
    return storeAnswer(outcomes, request.baseUrl);
  } catch (error) {
    if (!(error instanceof StoreRequestError)) throw error;
    const { refusal, status, storedBefore } = error;
    const before = refusal === 'multipart' || refusal === 'tooLarge';
    const message = `${error.message}${before ? `; ${storedBefore} instances before that were stored` : ''}`;
    throw new ArchiveError(CODES[refusal], status, message, { cause: error });
  } finally {
    if (present.length > 0) await listener.stored(present);
  }
}

async function storeOne(
  store: InstanceStore,
  content: AsyncIterable<Uint8Array>,
  { studyUid, maxInstanceBytes }: StoringRequest,
  listener: StoringListener,
  onPresent: (header: InstanceHeader) => void,
): Promise<PartOutcome> {
  let incoming: string | undefined;
  let header: InstanceHeader | undefined;
  try {
    incoming = await store.files.receive(content, maxInstanceBytes);
    const made = await headerOf(incoming);
    header = made.header;
    const { sopUid, sopClassUid } = header;
    if (studyUid !== undefined && header.studyUid !== studyUid) {
      return { failure: { sopUid, sopClassUid, reason: FAILURE_REASON.processingFailure } };
    }
    const result = await store.put(incoming, made);
    if (result === 'conflict') {
      return { failure: { sopUid, sopClassUid, reason: FAILURE_REASON.duplicateInstance } };
    }
    onPresent(header);
    return { stored: header };
  } catch (error) {
    if (error instanceof PartTooLarge) throw error;
    if (error instanceof UnreadableInstance) {
      const { sopUid, sopClassUid } = error;
      return { failure: { sopUid, sopClassUid, reason: FAILURE_REASON.cannotUnderstand } };
    }
    // The body broke off: no fault of the archive's.
    if (error instanceof MultipartError) throw error;
    listener.failed(error);
    const { sopUid, sopClassUid } = header ?? {};
    const reason = isDiskFull(error) ? FAILURE_REASON.outOfResources : FAILURE_REASON.processingFailure;
    return { failure: { sopUid, sopClassUid, reason } };
  } finally {
    if (incoming !== undefined) await store.files.drop(incoming);
  }
}

function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');
}
