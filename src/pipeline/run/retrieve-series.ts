import { createHash } from 'node:crypto';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { DicomError } from '../../dicom/dicom-error.ts';
import type { ImageFrame } from '../../dicom/geometry/image-frame.ts';
import { SeriesVolumeBuilder } from '../../dicom/geometry/series-volume-builder.ts';
import { imageKey } from '../../dicom/geometry/split-series.ts';
import type { ImageArchive } from '../../dicom/image-archive.ts';
import { type DicomDataset, type Instance, requiredText, text } from '../../dicom/reading/dataset.ts';
import { readForeignInstance } from '../../dicom/reading/foreign-instances.ts';
import { HeaderValues } from '../../dicom/reading/header-values.ts';
import { mostBytesOf } from '../../dicom/reading/instance-size.ts';
import type { PartOfSeries } from '../selection/select.ts';

type Source = Pick<
  ImageArchive,
  'retrieveSeries' | 'retrieveInstance' | 'searchInstances' | 'storedInstances'
>;
interface SeriesInStudy {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly mostBytes?: number | undefined;
}
interface WantedSeries {
  readonly seriesInstanceUid: string;
  readonly part?: PartOfSeries;
  /** How many images the archive has of it, where that is known; else the archive is asked. */
  readonly images?: number;
  /** The most bytes that one of its instances can have, where that is known. */
  readonly mostBytes?: number;
}

/** Instances that are on their way or being decoded at a time: memory holds the volume and these. */
const IN_FLIGHT = 4;
/** Slices take a megabyte or two. Of what is larger, there is one at a time. */
const LARGE_BYTES = 8 * 2 ** 20;

/**
 * Retrieves the images of a series, or of the part of it that was chosen, into a volume as they arrive.
 * Checks that they are what was asked for: the right study and series, each once, as many as the archive says
 * it has; of a part, each of its images.
 * @returns a builder that has them all; whether they make a volume, its `finish` says
 * @throws DicomError DICOM_WEB_ANSWER for parts of something else or missing ones, DICOM_UNREADABLE for
 * corrupt ones,
 *   and what adding an image throws
 */
export async function retrieveSeries(
  archive: Source,
  { studyInstanceUid }: { readonly studyInstanceUid: string },
  { seriesInstanceUid, part, images, mostBytes }: WantedSeries,
  signal?: AbortSignal,
): Promise<SeriesVolumeBuilder> {
  const series = { studyInstanceUid, seriesInstanceUid, mostBytes };
  const builder = new SeriesVolumeBuilder(images === undefined ? {} : { expectedPlanes: images });
  const wanted = part && ((frame: ImageFrame) => part.images.has(imageKey(frame)));
  const files = part
    ? partFiles(archive, series, part, signal)
    : archive.retrieveSeries(studyInstanceUid, seriesInstanceUid, signal, { mostBytes });
  const seen = new Map<string, string>();
  const headers = new HeaderValues(`series ${seriesInstanceUid}`, part?.images.size ?? images);
  const takeAll = async (arriving: AsyncIterable<Uint8Array>): Promise<void> => {
    const decoding: Promise<void>[] = [];
    for await (const bytes of arriving) {
      const { length } = bytes; // the reader may take them away
      const instance = await readOne(bytes, series, seen.size + 1);
      headers.count(instance.dataset);
      const contents = await digestOf(instance);
      const before = seen.get(instance.source);
      if (before !== undefined && before !== contents) {
        const what = 'the archive sent two with this UID that are not the same: which counts is unclear';
        throw new DicomError('DICOM_WEB_ANSWER', `${instance.source}: ${what}`);
      }
      if (before !== undefined) continue;
      seen.set(instance.source, contents);
      decoding.push(observed(builder.add(instance, wanted)));
      // Now: an archive may go on sending for ever.
      if (images !== undefined && builder.planeCount > images) break;
      if (length > LARGE_BYTES) await Promise.all(decoding.splice(0));
      else if (decoding.length === IN_FLIGHT) await decoding.shift();
    }
    await Promise.all(decoding);
  };
  await takeAll(files);
  if (!part && images !== undefined && builder.planeCount < images) {
    // Archives have left out instances of a series that they give one by one.
    const absent = await absentInstances(archive, series, seen, signal);
    await takeAll(oneByOne(archive, series, absent, signal));
  }

  if (part) {
    const what = `${part.name} of series ${seriesInstanceUid}`;
    refuseMissing(builder.planeCount, part.images.size, what, 'images');
  } else if (images === undefined) {
    const expected = await archive.searchInstances(studyInstanceUid, seriesInstanceUid, signal);
    const absent = await absentInstances(archive, series, seen, signal, expected);
    await takeAll(oneByOne(archive, series, absent, signal));
    refuseMissing(seen.size, expected.length, `series ${seriesInstanceUid}`, 'instances');
  } else {
    refuseMissing(builder.planeCount, images, `series ${seriesInstanceUid}`, 'images');
  }
  return builder;
}

/** What the archive lists in the series and has not sent; nothing where it does not list. */
async function absentInstances(
  archive: Source,
  { studyInstanceUid, seriesInstanceUid }: SeriesInStudy,
  seen: Pick<ReadonlyMap<string, unknown>, 'has'>,
  signal: AbortSignal | undefined,
  listed?: readonly DicomDataset[],
): Promise<string[]> {
  const uids = listed
    ? listed.flatMap((one) => text(one, 'SOPInstanceUID') ?? [])
    : [...(await archive.storedInstances(studyInstanceUid, seriesInstanceUid, signal))];
  return uids.filter((uid) => !seen.has(sourceOf(uid)));
}

/** The instances of a part, asked for one by one: what else is in the series stays in the archive. */
function partFiles(
  archive: Source,
  series: SeriesInStudy,
  { images }: PartOfSeries,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const uids = new Set([...images].map((key) => key.slice(0, key.lastIndexOf('#'))));
  return oneByOne(archive, series, uids, signal);
}

async function* oneByOne(
  archive: Source,
  { studyInstanceUid, seriesInstanceUid, mostBytes }: SeriesInStudy,
  uids: Iterable<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const coming: Promise<Uint8Array>[] = [];
  let largest = 0;
  const next = async (): Promise<Uint8Array> => {
    const bytes = (await coming.shift()) ?? new Uint8Array();
    largest = Math.max(largest, bytes.length);
    return bytes;
  };
  for (const uid of uids) {
    const ahead = largest > LARGE_BYTES ? 0 : IN_FLIGHT - 1;
    while (coming.length > ahead) yield await next();
    const asked = archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, uid, signal, { mostBytes });
    coming.push(observed(asked));
  }
  while (coming.length > 0) yield await next();
}

/** Where an earlier one of several fails, nobody awaits this one: its own failure then goes unsaid. */
function observed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Hashed at a time: takes some milliseconds. */
const HASHED_BYTES = 4 * 2 ** 20;
const HASHED_ITEMS = 500;

/**
 * Of header and pixels: copies of one instance may have other file meta information. In turns of the event
 * loop, as an instance may be an image of ten thousand frames.
 */
async function digestOf({ dataset, frames }: Instance): Promise<string> {
  const hash = createHash('sha256');
  const add = (value: unknown) =>
    hash.update(
      JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? '',
    );
  for (const [keyword, value] of Object.entries(dataset)) {
    hash.update(`${keyword}=`);
    if (!Array.isArray(value) || value.length <= HASHED_ITEMS) {
      add(value);
      continue;
    }
    for (let at = 0; at < value.length; at += HASHED_ITEMS) {
      add(value.slice(at, at + HASHED_ITEMS));
      await turnOfTheLoop();
    }
  }
  for (const frame of frames) {
    for (let at = 0; at < frame.length; at += HASHED_BYTES) {
      hash.update(frame.subarray(at, at + HASHED_BYTES));
      if (frame.length > HASHED_BYTES) await turnOfTheLoop();
    }
  }
  return hash.digest('base64');
}

/** An instance of the series, called by its UID. */
async function readOne(bytes: Uint8Array, series: SeriesInStudy, count: number): Promise<Instance> {
  const source = `instance ${count} of series ${series.seriesInstanceUid}`;
  const instance = await readForeignInstance(bytes, source, series.mostBytes);
  for (const [keyword, uid] of [
    ['StudyInstanceUID', series.studyInstanceUid],
    ['SeriesInstanceUID', series.seriesInstanceUid],
  ] as const) {
    const found = requiredText(instance.dataset, keyword, source);
    if (found !== uid) {
      const what = `the archive sent ${keyword} ${found}, asked was ${uid}`;
      throw new DicomError('DICOM_WEB_ANSWER', `${source}: ${what}`);
    }
  }
  const claimed = mostBytesOf(instance.dataset) ?? 0;
  if (series.mostBytes !== undefined && claimed > series.mostBytes) {
    const { Rows: rows, Columns: columns, NumberOfFrames: frames = '1' } = instance.dataset;
    const size = `${String(rows)} x ${String(columns)} pixels in ${String(frames)} frame(s)`;
    throw new DicomError('DICOM_WEB_ANSWER', `${source}: it has ${size}, and its metadata tell of less`);
  }
  return { ...instance, source: sourceOf(requiredText(instance.dataset, 'SOPInstanceUID', source)) };
}

/** What messages call an instance. */
const sourceOf = (sopInstanceUid: string): string => `instance ${sopInstanceUid}`;

function refuseMissing(sent: number, expected: number, of: string, what: string): void {
  if (sent === expected) return;
  throw new DicomError('DICOM_WEB_ANSWER', `${of}: the archive sent ${sent} of ${expected} ${what}`);
}
