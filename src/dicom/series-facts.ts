import { type DicomDataset, number, text } from './reading/dataset.ts';
import { readForeignHeader } from './reading/foreign-instances.ts';
import { HeaderValues } from './reading/header-values.ts';

/**
 * A series as an archive lists it, with NumberOfSeriesRelatedInstances: where the archive does not count,
 * what it lists is counted.
 * @param list all instances of the series
 * @param counted told that it had to be done so
 */
export async function withInstanceCount(
  series: DicomDataset,
  list: (seriesInstanceUid: string) => Promise<readonly DicomDataset[]>,
  counted: () => void,
): Promise<DicomDataset> {
  const seriesUid = text(series, 'SeriesInstanceUID');
  const count = number(series, 'NumberOfSeriesRelatedInstances');
  if (seriesUid === undefined || (count !== undefined && count >= 0)) return series;
  const { length } = await list(seriesUid);
  counted();
  return { ...series, NumberOfSeriesRelatedInstances: String(length) };
}

/**
 * The headers of a series, from its instances.
 * @throws DicomError DICOM_UNREADABLE naming the instance; TooMuchToRead where they hold more than any series
 */
export async function headersOfSeries(
  instances: AsyncIterable<Uint8Array>,
  seriesInstanceUid: string,
): Promise<DicomDataset[]> {
  const headers: DicomDataset[] = [];
  const values = new HeaderValues(`series ${seriesInstanceUid}`);
  for await (const bytes of instances) {
    const source = `instance ${headers.length + 1} of series ${seriesInstanceUid}`;
    const header = await readForeignHeader(bytes, source);
    values.count(header);
    headers.push(header);
  }
  return headers;
}
