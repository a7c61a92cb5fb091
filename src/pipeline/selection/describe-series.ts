import type { ImageArchive } from '../../dicom/image-archive.ts';
import { type DicomDataset, number, requiredText, text } from '../../dicom/reading/dataset.ts';
import { candidatesElsewhere, expectHeaders } from './candidates-elsewhere.ts';
import { factsOf } from './facts.ts';
import type { CandidateSeries } from './select.ts';

/** Series of other modalities hold no volume; what QIDO-RS says of them is enough. */
const IMAGE_MODALITIES: ReadonlySet<string | undefined> = new Set(['CT', 'MR', undefined]);
/**
 * What may stand under the series UID of images. Where it came first, an archive takes its modality for the
 * series', so several instances are looked at.
 */
const COMPANIONS: ReadonlySet<string | undefined> = new Set(
  'AU DOC ECG HD KO PLAN PR REG RTDOSE RTPLAN RTRECORD RTSTRUCT SEG SR'.split(' '),
);

function mayHoldImages(series: DicomDataset): boolean {
  const modality = text(series, 'Modality');
  if (IMAGE_MODALITIES.has(modality)) return true;
  return COMPANIONS.has(modality) && number(series, 'NumberOfSeriesRelatedInstances') !== 1;
}

/**
 * What selection needs to know of each series: QIDO-RS says which there are, the headers of all their images
 * (WADO-RS metadata) what they hold. Pixels are not fetched.
 * @param series as QIDO-RS lists them
 */
export async function describeSeries(
  archive: HeaderSource,
  studyInstanceUid: string,
  series: readonly DicomDataset[],
  signal?: AbortSignal,
): Promise<CandidateSeries[]> {
  const described: CandidateSeries[] = [];
  for (const item of series) {
    const what = `a series of study ${studyInstanceUid}`;
    const seriesInstanceUid = requiredText(item, 'SeriesInstanceUID', what);
    if (mayHoldImages(item)) {
      expectHeaders(number(item, 'NumberOfSeriesRelatedInstances') ?? 0);
      const headers = await headersOf(archive, studyInstanceUid, seriesInstanceUid, item, signal);
      described.push(...(await candidatesElsewhere(seriesInstanceUid, headers)));
    } else {
      const description = text(item, 'SeriesDescription') ?? '';
      const images = number(item, 'NumberOfSeriesRelatedInstances') ?? 0;
      described.push({ seriesInstanceUid, description, facts: factsOf(item, images) });
    }
  }
  return described;
}

type HeaderSource = Pick<ImageArchive, 'seriesMetadata'> &
  Partial<Pick<ImageArchive, 'storedInstances' | 'instanceMetadata'>>;

/**
 * The headers of all instances that the archive has of a series. Where its metadata are of fewer than it
 * counts, those that it lists beside them are asked for one by one: a part is not taken for the whole.
 */
async function headersOf(
  archive: HeaderSource,
  studyInstanceUid: string,
  seriesInstanceUid: string,
  item: DicomDataset,
  signal: AbortSignal | undefined,
): Promise<DicomDataset[]> {
  const headers = await archive.seriesMetadata(studyInstanceUid, seriesInstanceUid, signal);
  const count = number(item, 'NumberOfSeriesRelatedInstances') ?? 0;
  if (headers.length >= count || !archive.storedInstances || !archive.instanceMetadata) return headers;
  const known = new Set(headers.map((header) => text(header, 'SOPInstanceUID')));
  const listed = await archive.storedInstances(studyInstanceUid, seriesInstanceUid, signal);
  for (const uid of listed) {
    if (known.has(uid)) continue;
    headers.push(await archive.instanceMetadata(studyInstanceUid, seriesInstanceUid, uid, signal));
  }
  return headers;
}
