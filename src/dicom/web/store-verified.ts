import { DicomError } from '../dicom-error.ts';
import { readInstance, requiredText } from '../reading/dataset.ts';
import { reasonText, type StoreOutcome } from './store-answer.ts';

/** What verified storing needs of a DICOMweb client. */
export interface StoreTarget {
  store(
    studyUid: string | undefined,
    parts: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<StoreOutcome>;
  isStored(studyUid: string, seriesUid: string, sopUid: string, signal?: AbortSignal): Promise<boolean>;
  storedInstances(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<Set<string>>;
}

/** What was stored, in the order of the parts. */
export interface StoredInstance {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
}

interface Item {
  readonly uids: StoredInstance;
  readonly bytes: Uint8Array;
}

/** How often instances are sent: what an archive loses twice is not lost by chance. */
const ATTEMPTS = 3;
/**
 * Upper limit of one request's body, unless a single instance is larger: the client holds three copies of it.
 */
const REQUEST_BYTES = 32 * 1024 * 1024;

/**
 * Stores instances and looks whether each of them is there afterwards; what is missing is sent again, twice.
 * Nothing is sent where one part is unreadable or has no UIDs. Storing what is stored already changes
 * nothing.
 * @throws DicomError DICOM_STORE_INCOMPLETE naming the missing instances and the archive's reasons;
 * DICOM_UNREADABLE
 *   and DICOM_ATTRIBUTE naming the part; what `store` and looking throw
 */
export async function storeVerified(
  target: StoreTarget,
  studyUid: string | undefined,
  parts: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<StoredInstance[]> {
  const items = parts.map((bytes, index) =>
    identify(bytes, `instance ${index + 1} of ${parts.length} to store`),
  );
  const reasons = new Map<string, string>();
  let missing: readonly Item[] = items;
  for (let attempt = 1; attempt <= ATTEMPTS && missing.length > 0; attempt++) {
    const refusal = await send(target, studyUid, missing, reasons, signal);
    missing = await stillMissing(target, missing, refusal, signal);
    // Whatever it answered: what is there is stored, and what it refused is not sent again.
    if (refusal && missing.length > 0) throw refusal;
  }
  if (missing.length > 0) throw incomplete(missing, items.length, reasons);
  return items.map(({ uids }) => uids);
}

/** @returns the error, where the archive gave one: it may have stored all the same */
async function send(
  target: StoreTarget,
  studyUid: string | undefined,
  items: readonly Item[],
  reasons: Map<string, string>,
  signal: AbortSignal | undefined,
): Promise<DicomError | undefined> {
  for (const batch of batches(items)) {
    try {
      const parts = batch.map((item) => item.bytes);
      collectReasons(await target.store(studyUid, parts, signal), batch, reasons);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof DicomError) return error;
      throw error;
    }
  }
  return undefined;
}

/** @throws the refusal, where the archive cannot be looked into either */
async function stillMissing(
  target: StoreTarget,
  items: readonly Item[],
  refusal: DicomError | undefined,
  signal: AbortSignal | undefined,
): Promise<Item[]> {
  try {
    return await findMissing(target, items, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw refusal ?? error;
  }
}

function identify(bytes: Uint8Array, source: string): Item {
  const { dataset } = readInstance(bytes, source);
  return {
    bytes,
    uids: {
      studyInstanceUid: requiredText(dataset, 'StudyInstanceUID', source),
      seriesInstanceUid: requiredText(dataset, 'SeriesInstanceUID', source),
      sopInstanceUid: requiredText(dataset, 'SOPInstanceUID', source),
    },
  };
}

function* batches(items: readonly Item[]): Generator<Item[]> {
  let batch: Item[] = [];
  let size = 0;
  for (const item of items) {
    if (batch.length > 0 && size + item.bytes.length > REQUEST_BYTES) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(item);
    size += item.bytes.length;
  }
  if (batch.length > 0) yield batch;
}

function collectReasons(outcome: StoreOutcome, batch: readonly Item[], reasons: Map<string, string>): void {
  const { status, stored, failed, said } = outcome;
  for (const { uids } of batch) {
    const claim = stored.includes(uids.sopInstanceUid) ? ', and that it is stored' : '';
    const words = said === undefined ? '' : `: ${said}`;
    reasons.set(uids.sopInstanceUid, `the archive gave no reason; it answered ${status}${claim}${words}`);
  }
  for (const { sopInstanceUid, reason } of failed) {
    if (sopInstanceUid !== undefined && reason !== undefined) {
      reasons.set(sopInstanceUid, reasonText(reason));
    }
  }
}

/** Lists each series once; an instance that the list lacks is asked for itself, as some lists lag behind. */
async function findMissing(
  target: StoreTarget,
  items: readonly Item[],
  signal: AbortSignal | undefined,
): Promise<Item[]> {
  const listed = new Map<string, Set<string>>();
  const missing: Item[] = [];
  for (const item of items) {
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = item.uids;
    const series = `${studyInstanceUid}/${seriesInstanceUid}`;
    let stored = listed.get(series);
    if (!stored) {
      stored = await target.storedInstances(studyInstanceUid, seriesInstanceUid, signal);
      listed.set(series, stored);
    }
    if (stored.has(sopInstanceUid)) continue;
    if (await target.isStored(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal)) continue;
    missing.push(item);
  }
  return missing;
}

/** Names as many as a person reads; the count says how many there are. */
const NAMED = 10;

function incomplete(missing: readonly Item[], total: number, reasons: Map<string, string>): DicomError {
  const named = missing.slice(0, NAMED).map(({ uids: { sopInstanceUid } }) => {
    return `${sopInstanceUid}: ${reasons.get(sopInstanceUid) ?? 'the archive gave no reason'}`;
  });
  const more = missing.length > NAMED ? `; and ${missing.length - NAMED} more` : '';
  return new DicomError(
    'DICOM_STORE_INCOMPLETE',
    `${missing.length} of ${total} instances are not in the archive after storing: ` +
      `${named.join('; ')}${more}`,
  );
}
