import { type DicomDataset, text } from '../dicom/reading/dataset.ts';
import type { StudySearch } from '../dicom/web/client.ts';

/** What an archive is asked for before its other services can be: a study, and a series in it. */
interface Searched {
  searchStudies(query: StudySearch): AsyncIterable<DicomDataset>;
  searchSeries(studyInstanceUid: string): Promise<readonly DicomDataset[]>;
}

/** As the node searches. */
export type WatchSearch = Pick<StudySearch, 'lookBack' | 'pageSize'>;

/**
 * The first study that is listed: as the node searches or, where nothing is as new as that, any, which does
 * for the other questions.
 * @returns undefined where the archive holds none
 */
export async function anyStudy(
  client: Pick<Searched, 'searchStudies'>,
  watch: WatchSearch,
  now: Date,
): Promise<DicomDataset | undefined> {
  for (const lookBack of new Set([watch.lookBack, 'all'] as const)) {
    for await (const study of client.searchStudies({ ...watch, lookBack, now })) return study;
  }
  return undefined;
}

/** The UID of a series of the study, of CT or MR images where there is one. */
export async function anySeries(
  client: Pick<Searched, 'searchSeries'>,
  studyInstanceUid: string,
): Promise<string | undefined> {
  const found = await client.searchSeries(studyInstanceUid);
  const isImages = (one: DicomDataset) => ['CT', 'MR'].includes(text(one, 'Modality') ?? '');
  const series = found.find(isImages) ?? found[0];
  return series && text(series, 'SeriesInstanceUID');
}
