import { requiredText } from '../dicom/reading/dataset.ts';
import { isNotThere } from '../dicom/web/refusals.ts';
import type { Database } from '../store/database/sql.ts';
import { volumesOfStudies } from '../store/records/history.ts';
import { seriesOfReports } from '../store/records/own-series.ts';
import { latestReports } from '../store/records/run-log.ts';
import { ignoredIdentities } from '../store/records/study-identity.ts';
import type { StudyRecord } from '../store/records/study-log.ts';
import type { OrderArchive } from './input.ts';
import type { OrderRefusal, OrderRequest } from './order.ts';
import type { OutputSeries } from './performed.ts';
import { discontinuationOf } from './reasons.ts';

/** How the work that an order asked for came out. */
export type Outcome = { readonly series: readonly OutputSeries[] } | OrderRefusal;

/**
 * What a study whose work is over means to an order for it.
 * @param fingerprint of the counts that the work dealt with
 */
export async function outcomeOf(
  study: StudyRecord,
  request: OrderRequest,
  fingerprint: string,
  parts: { readonly archive: OrderArchive; readonly database: Database },
  signal?: AbortSignal,
): Promise<Outcome> {
  const { studyInstanceUid, state, errorCode } = study;
  if (state === 'failed') {
    const words = `the work on the study failed: ${errorCode ?? 'for a reason without a code'}`;
    return { reason: discontinuationOf(errorCode), words };
  }
  if (state === 'skipped') {
    const isOptedOut = (await ignoredIdentities(parts.database, studyInstanceUid)) !== undefined;
    return isOptedOut
      ? { reason: 'unspecified', words: 'the study is not to be processed' }
      : { reason: 'notSupported', words: 'no series of the study is suitable' };
  }
  const reports = await latestReports(parts.database, studyInstanceUid, fingerprint);
  const results = (await volumesOfStudies(parts.database, [studyInstanceUid])).filter(
    ({ report }) => reports?.includes(report.sopInstanceUid) ?? true,
  );
  const named = new Set(request.series.map(({ seriesInstanceUid }) => seriesInstanceUid));
  const wanted = results.filter(({ seriesInstanceUid }) => named.size === 0 || named.has(seriesInstanceUid));
  if (wanted.length === 0)
    return { reason: 'notSupported', words: 'none of the series that the order names is suitable' };
  const standing = wanted.filter(({ withdrawn }) => withdrawn === null);
  if (standing.length === 0) return { reason: 'unspecified', words: 'the result was withdrawn' };
  const linked = await seriesOfReports(
    parts.database,
    standing.map(({ report }) => report.sopInstanceUid),
  );
  const uids = new Set([
    ...standing
      .flatMap(({ seg, report }) => [...(seg ? [seg] : []), report])
      .map((one) => one.seriesInstanceUid),
    ...linked,
  ]);
  const series: OutputSeries[] = [];
  for (const uid of uids) {
    const instances = await storedIn(parts.archive, studyInstanceUid, uid, signal);
    if (instances.length > 0) series.push({ seriesInstanceUid: uid, instances });
  }
  return series.length > 0
    ? { series }
    : { reason: 'unspecified', words: 'the results are not in the archive' };
}

/** What the archive really holds of a series: nothing where it is gone. */
async function storedIn(
  archive: OrderArchive,
  studyInstanceUid: string,
  seriesInstanceUid: string,
  signal: AbortSignal | undefined,
): Promise<OutputSeries['instances']> {
  const source = `an instance of series ${seriesInstanceUid}`;
  try {
    const instances = await archive.seriesMetadata(studyInstanceUid, seriesInstanceUid, signal);
    return instances.map((one) => ({
      sopClassUid: requiredText(one, 'SOPClassUID', source),
      sopInstanceUid: requiredText(one, 'SOPInstanceUID', source),
    }));
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
}
