import { ArchiveAccess, type DicomWebOptions } from '../dicom/web/archive-access.ts';
import { archiveError } from '../dicom/web/errors.ts';
import { exchange } from '../http-client/exchange.ts';
import type { ArchiveUnderTest } from './check-archive.ts';

/**
 * One request over the archive's own connections and with its credentials, of which only the head is looked
 * at.
 */
export function archiveRequest(options: DicomWebOptions): ArchiveUnderTest['request'] {
  const access = new ArchiveAccess(options);
  return async (method, path, headers) => {
    const url = access.url + path;
    try {
      const answer = await exchange(access.request(url, { method, headers, accepts: () => true }));
      answer.close();
      return { status: answer.status, date: String(answer.headers['date'] ?? '') || undefined };
    } catch (error) {
      throw archiveError(url, error);
    }
  };
}
