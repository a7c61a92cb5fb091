import { type Instance, readInstance, requiredText } from '../../dicom/dataset.ts';
import { DicomError } from '../../dicom/errors.ts';
import type { DicomWebClient } from '../../dicom/web/client.ts';

/**
 * Retrieves every instance of a series and checks that it is what was asked for: the right study and series, each
 * instance once, as many as the archive says it has.
 * @throws DicomError DICOM_WEB_ANSWER for parts of something else or missing ones, DICOM_UNREADABLE for corrupt ones
 */
export async function retrieveSeries(
  archive: Pick<DicomWebClient, 'retrieveSeries' | 'searchInstances'>,
  { studyInstanceUid }: { readonly studyInstanceUid: string },
  { seriesInstanceUid }: { readonly seriesInstanceUid: string },
  signal?: AbortSignal,
): Promise<Instance[]> {
  const expected = await archive.searchInstances(studyInstanceUid, seriesInstanceUid, signal);
  const instances = new Map<string, Instance>();
  for await (const bytes of archive.retrieveSeries(studyInstanceUid, seriesInstanceUid, signal)) {
    const source = `instance ${instances.size + 1} of series ${seriesInstanceUid}`;
    const instance = readInstance(bytes, source);
    const sopInstanceUid = requiredText(instance.dataset, 'SOPInstanceUID', source);
    for (const [keyword, uid] of [
      ['StudyInstanceUID', studyInstanceUid],
      ['SeriesInstanceUID', seriesInstanceUid],
    ] as const) {
      const found = requiredText(instance.dataset, keyword, source);
      if (found !== uid) {
        throw new DicomError(
          'DICOM_WEB_ANSWER',
          `${source}: the archive sent ${keyword} ${found}, asked was ${uid}`,
        );
      }
    }
    instances.set(sopInstanceUid, { ...instance, source: `instance ${sopInstanceUid}` });
  }
  if (instances.size !== expected.length) {
    const text = `series ${seriesInstanceUid}: the archive sent ${instances.size} of ${expected.length} instances`;
    throw new DicomError('DICOM_WEB_ANSWER', text);
  }
  return [...instances.values()];
}
