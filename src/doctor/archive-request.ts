import type { IncomingMessage } from 'node:http';
import type { DicomWebOptions } from '../dicom/web/client.ts';
import { DIRECT } from '../dicom/web/connections.ts';
import type { ArchiveUnderTest } from './check-archive.ts';

/**
 * One request over the archive's own connections and with its credentials, of which only the head is looked
 * at.
 */
export function archiveRequest({
  url,
  headers = {},
  timeoutMs = 0,
  connections = DIRECT,
}: DicomWebOptions): ArchiveUnderTest['request'] {
  return async (method, path, more) => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = connections.request(url.replace(/\/+$/, '') + path, {
      method,
      headers: { ...headers, ...more },
      timeout: timeoutMs,
    });
    sent.once('response', resolve);
    sent.once('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    sent.on('error', reject);
    sent.end();
    const { statusCode = 0, headers: given } = await promise.finally(() => sent.destroy());
    return { status: statusCode, date: given.date };
  };
}
