import { type Answer, type ExchangeRequest, exchange } from '../../http-client/exchange.ts';
import { patiently } from '../../http-client/patience.ts';
import { TooMuchToRead } from '../dicom-error.ts';
import { bareStart } from '../reading/bare-data-set.ts';
import type { ArchiveAccess } from './archive-access.ts';
import { archiveError } from './errors.ts';
import {
  type LimitOf,
  MultipartError,
  mediaType,
  multipartBoundary,
  type PartLimit,
  splitMultipart,
  wholePart,
} from './multipart.ts';

/**
 * Any stored transfer syntax: nothing is transcoded, every instance arrives as it was stored (PS3.18
 * 8.7.3.5.2).
 */
const ACCEPT_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*';

/**
 * WADO-RS retrieval of a study, series or instance (PS3.18 10.4), streamed.
 * @returns the PS3.10 bytes of one instance after the other, in the archive's order; nothing is fetched ahead
 * of the
 *   caller. The UIDs within are not checked: archives have mixed up parts, so the caller compares them.
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS, DICOM_WEB_ANSWER; DICOM_UNREADABLE
 * (TooMuchToRead) beyond the limit; the signal's reason where aborted
 */
export async function* retrieveInstances(
  access: ArchiveAccess,
  path: string,
  signal: AbortSignal | undefined,
  taking: Taking = {},
): AsyncGenerator<Uint8Array> {
  const url = access.url + path;
  // Of the statuses, 200 alone: 206 says that a part of what was asked for is missing, and a volume with
  // holes is no answer.
  const request = access.request(url, { kind: 'retrieve', headers: { Accept: ACCEPT_STORED }, signal });
  try {
    const words: Words = (body, contentType) => access.wordsOf(body, contentType);
    yield* instancesOf(request, words, limitsOf(url, taking));
  } catch (error) {
    throw archiveError(url, error);
  }
}

async function* instancesOf(
  request: ExchangeRequest,
  words: Words,
  limitOf: LimitOf,
): AsyncGenerator<Uint8Array> {
  const answer = await patiently(() => exchange(request), request.signal);
  let failure: unknown;
  try {
    yield* partsOf(answer, words, limitOf);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    // A caller that stops early closes the connection with it.
    answer.close(failure);
  }
}

async function* partsOf(answer: Answer, words: Words, limitOf: LimitOf): AsyncGenerator<Uint8Array> {
  const contentType = String(answer.headers['content-type'] ?? '');
  if (!mediaType(contentType)?.startsWith('multipart/')) {
    // Of one instance, some archives make no multipart message.
    const { start, body } = await withStart(answer);
    if (!isPart10(start) && mediaType(contentType) !== 'application/dicom') {
      throw noMultipart(contentType, words(start, contentType));
    }
    yield await wholePart(body, limitOf);
    return;
  }
  const parts = splitMultipart(answer, multipartBoundary(contentType), limitOf);
  for await (const part of parts) {
    const isDicom = part.contentType === undefined || mediaType(part.contentType) === 'application/dicom';
    if (!isDicom && !isPart10(part.bytes)) {
      throw new MultipartError(`has a part of type "${part.contentType}" instead of application/dicom`);
    }
    yield part.bytes;
  }
}

/** @param said what the answer says instead */
function noMultipart(contentType: string, said: string | undefined): MultipartError {
  const type = contentType === '' ? 'of no type' : `"${contentType}"`;
  return new MultipartError(`is ${type}, not multipart/related${said === undefined ? '' : `: ${said}`}`);
}

/** What is no DICOM is not collected in memory until it ends: a page of words takes less. */
const OTHER_PART_LIMIT_BYTES = 2 ** 20;
/** Where nothing is known of an instance before it comes. The largest images have so much. */
const UNANNOUNCED_LIMIT_BYTES = 512 * 2 ** 20;

/** Enough for every header: what is wanted of instances whose archive gives no metadata. */
const HEAD_BYTES = 32 * 2 ** 20;

/** How much of each instance is taken into memory. */
export interface Taking {
  /** Most bytes that one may have, where that is known of them. */
  readonly mostBytes?: number | undefined;
  /** Of longer ones the beginning is taken, which has the header, and the rest thrown away. */
  readonly headAlone?: boolean;
}

function limitsOf(url: string, { mostBytes, headAlone = false }: Taking): LimitOf {
  const bytes = headAlone ? HEAD_BYTES : (mostBytes ?? UNANNOUNCED_LIMIT_BYTES);
  const why = mostBytes === undefined ? 'more is not taken into memory' : 'its header tells of less';
  const what = `${url}: an instance has more than ${headAlone ? '2 GiB' : `${bytes} bytes`}: ${why}`;
  const tooLarge = () => new TooMuchToRead('DICOM_UNREADABLE', what);
  const instance: PartLimit = { bytes, tooLarge, cut: headAlone };
  const other: PartLimit = { bytes: Math.min(bytes, OTHER_PART_LIMIT_BYTES) };
  return (start) => (isPart10(start) || bareStart(start) ? instance : other);
}

type Words = ArchiveAccess['wordsOf'];

const PREAMBLE_BYTES = 128;
/** What is looked at of an answer that is no multipart message: the preamble, or the words of a page. */
const START_BYTES = 8192;

/** PS3.10 section 7.1. */
function isPart10(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(PREAMBLE_BYTES, PREAMBLE_BYTES + 4)).toString('latin1') === 'DICM';
}

/** The first bytes of a body, as many as a page of words needs, and all of it. */
async function withStart(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ start: Uint8Array; body: AsyncIterable<Uint8Array> }> {
  const rest = chunks[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array();
  while (start.length < START_BYTES) {
    const next = await rest.next();
    if (next.done) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield start;
    for (;;) {
      const next = await rest.next();
      if (next.done) return;
      yield next.value;
    }
  };
  return { start, body: body() };
}
