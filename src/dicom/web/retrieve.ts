import { type Answer, type ExchangeRequest, exchange } from '../../http-client/exchange.ts';
import { patiently } from '../../http-client/patience.ts';
import type { ArchiveAccess } from './archive-access.ts';
import { archiveError } from './errors.ts';
import { MultipartError, mediaType, multipartBoundary, splitMultipart } from './multipart.ts';

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
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS, DICOM_WEB_ANSWER; the signal's reason where
 * aborted
 */
export async function* retrieveInstances(
  access: ArchiveAccess,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const url = access.url + path;
  // Of the statuses, 200 alone: 206 says that a part of what was asked for is missing, and a volume with
  // holes is no answer.
  const request = access.request(url, { kind: 'retrieve', headers: { Accept: ACCEPT_STORED }, signal });
  try {
    yield* instancesOf(request);
  } catch (error) {
    throw archiveError(url, error);
  }
}

async function* instancesOf(request: ExchangeRequest): AsyncGenerator<Uint8Array> {
  const answer = await patiently(() => exchange(request), request.signal);
  let failure: unknown;
  try {
    yield* partsOf(answer);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    // A caller that stops early closes the connection with it.
    answer.close(failure);
  }
}

async function* partsOf(answer: Answer): AsyncGenerator<Uint8Array> {
  const boundary = multipartBoundary(String(answer.headers['content-type'] ?? ''));
  for await (const part of splitMultipart(answer, boundary)) {
    if (part.contentType !== undefined && mediaType(part.contentType) !== 'application/dicom') {
      throw new MultipartError(`has a part of type "${part.contentType}" instead of application/dicom`);
    }
    yield part.bytes;
  }
}
