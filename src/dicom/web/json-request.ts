import { bodyOf } from '../../http-client/request-body.ts';
import { jsonAnswer } from '../../http-client/whole-answer.ts';
import type { ArchiveAccess } from './archive-access.ts';
import { archiveError } from './errors.ts';

/**
 * A request to an archive's own REST interface.
 * @param path below the root of that interface
 * @param body sent by POST, as JSON; without it the request is a GET
 * @returns the JSON of the answer, not yet checked
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS, DICOM_WEB_ANSWER; the signal's reason where
 * aborted
 */
export async function requestJson(
  access: ArchiveAccess,
  path: string,
  { signal, body }: { readonly signal?: AbortSignal | undefined; readonly body?: unknown } = {},
): Promise<unknown> {
  const url = access.url + path;
  const accept = { Accept: 'application/json' };
  const sent =
    body === undefined
      ? { headers: accept }
      : {
          method: 'POST' as const,
          headers: { ...accept, 'Content-Type': 'application/json' },
          body: bodyOf(Buffer.from(JSON.stringify(body))),
        };
  try {
    const { isList, items } = await jsonAnswer(access.request(url, { ...sent, signal }));
    return isList ? items : items[0];
  } catch (error) {
    throw archiveError(url, error);
  }
}
