import { type Instance, readInstance, requiredText } from '../../dicom/dataset.ts';
import { DicomError } from '../../dicom/errors.ts';
import { type ImageFrame, imageFrames } from '../../dicom/geometry/image-frame.ts';
import { imageKey } from '../../dicom/geometry/split-series.ts';
import type { DicomWebClient } from '../../dicom/web/client.ts';
import type { PartOfSeries } from '../selection/select.ts';

type Source = Pick<DicomWebClient, 'retrieveSeries' | 'retrieveInstance' | 'searchInstances'>;
interface SeriesInStudy {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
}

/**
 * Retrieves the images of a series, or of the part of it that was chosen, and checks that they are what was asked for:
 * the right study and series, each once, as many as the archive says it has; of a part, each of its images.
 * @throws DicomError DICOM_WEB_ANSWER for parts of something else or missing ones, DICOM_UNREADABLE for corrupt ones
 */
export async function retrieveSeries(
  archive: Source,
  { studyInstanceUid }: { readonly studyInstanceUid: string },
  { seriesInstanceUid, part }: { readonly seriesInstanceUid: string; readonly part?: PartOfSeries },
  signal?: AbortSignal,
): Promise<ImageFrame[]> {
  const series = { studyInstanceUid, seriesInstanceUid };
  const instances = part
    ? await readAll(partFiles(archive, series, part, signal), series)
    : await readWhole(archive, series, signal);
  const frames = instances.flatMap(imageFrames);
  if (!part) return frames;
  const wanted = frames.filter((frame) => part.images.has(imageKey(frame)));
  refuseMissing(wanted.length, part.images.size, `${part.name} of series ${seriesInstanceUid}`, 'images');
  return wanted;
}

async function readWhole(archive: Source, series: SeriesInStudy, signal?: AbortSignal): Promise<Instance[]> {
  const { studyInstanceUid, seriesInstanceUid } = series;
  const expected = await archive.searchInstances(studyInstanceUid, seriesInstanceUid, signal);
  const instances = await readAll(archive.retrieveSeries(studyInstanceUid, seriesInstanceUid, signal), series);
  refuseMissing(instances.length, expected.length, `series ${seriesInstanceUid}`, 'instances');
  return instances;
}

/** The instances of a part, one by one: what else is in the series stays in the archive. */
async function* partFiles(
  archive: Source,
  { studyInstanceUid, seriesInstanceUid }: SeriesInStudy,
  { images }: PartOfSeries,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const uids = new Set([...images].map((key) => key.slice(0, key.lastIndexOf('#'))));
  for (const uid of uids) yield await archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, uid, signal);
}

async function readAll(files: AsyncIterable<Uint8Array>, series: SeriesInStudy): Promise<Instance[]> {
  const instances = new Map<string, Instance>();
  for await (const bytes of files) {
    const source = `instance ${instances.size + 1} of series ${series.seriesInstanceUid}`;
    const instance = readInstance(bytes, source);
    const sopInstanceUid = requiredText(instance.dataset, 'SOPInstanceUID', source);
    for (const [keyword, uid] of [
      ['StudyInstanceUID', series.studyInstanceUid],
      ['SeriesInstanceUID', series.seriesInstanceUid],
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
  return [...instances.values()];
}

function refuseMissing(sent: number, expected: number, of: string, what: string): void {
  if (sent === expected) return;
  throw new DicomError('DICOM_WEB_ANSWER', `${of}: the archive sent ${sent} of ${expected} ${what}`);
}
