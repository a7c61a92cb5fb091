import type { ImageArchive } from '../dicom/image-archive.ts';
import { text } from '../dicom/reading/dataset.ts';
import { isNotThere } from '../dicom/web/refusals.ts';
import { isOwnResult } from '../results/own-results.ts';
import type { Database } from '../store/database/sql.ts';
import { fingerprintOf, foreignSeries } from '../store/records/own-series.ts';
import type { OrderRequest } from './order.ts';

/** What an order needs of the archive. */
export type OrderArchive = Pick<ImageArchive, 'url' | 'searchSeries' | 'seriesMetadata' | 'storedInstances'>;

/**
 * Whether the archive has all that an order names, and which counts the study has now.
 * @returns the fingerprint of the study (see `fingerprintOf`); undefined where something is missing yet
 */
export async function presentInput(
  { archive, database }: { readonly archive: OrderArchive; readonly database: Database },
  { studyInstanceUid, series }: OrderRequest,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const listed = await archive.searchSeries(studyInstanceUid, signal).catch((error: unknown) => {
    if (isNotThere(error)) return [];
    throw error;
  });
  const own = {
    database,
    seriesMetadata: (study: string, uid: string) => archive.seriesMetadata(study, uid, signal),
    isOwnResult,
  };
  const foreign = await foreignSeries(own, studyInstanceUid, listed);
  if (foreign.length === 0) return undefined;
  const there = new Set(listed.map((one) => text(one, 'SeriesInstanceUID')));
  for (const { seriesInstanceUid, instances } of series) {
    if (!there.has(seriesInstanceUid)) return undefined;
    if (instances.length === 0) continue;
    const stored = await instancesOf(archive, studyInstanceUid, seriesInstanceUid, signal);
    if (!instances.every((uid) => stored.has(uid))) return undefined;
  }
  return fingerprintOf(foreign);
}

/** Archives that do not list the instances of a series may still tell of them. */
async function instancesOf(
  archive: OrderArchive,
  studyInstanceUid: string,
  seriesInstanceUid: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const listed = await archive.storedInstances(studyInstanceUid, seriesInstanceUid, signal);
  if (listed.size > 0) return listed;
  const metadata = await archive
    .seriesMetadata(studyInstanceUid, seriesInstanceUid, signal)
    .catch((error: unknown) => {
      if (isNotThere(error)) return [];
      throw error;
    });
  return new Set(metadata.flatMap((one) => text(one, 'SOPInstanceUID') ?? []));
}
