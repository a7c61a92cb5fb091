import { DicomError } from '../../dicom/dicom-error.ts';
import { modalityOf } from '../../dicom/geometry/image-checks.ts';
import { type ImageFrame, imageFrames } from '../../dicom/geometry/image-frame.ts';
import { imageKey, type SeriesPart, splitSeries } from '../../dicom/geometry/split-series.ts';
import { type DicomDataset, text } from '../../dicom/reading/dataset.ts';
import { mostBytesOf } from '../../dicom/reading/instance-size.ts';
import { factsOf } from './facts.ts';
import type { CandidateSeries, PartOfSeries } from './select.ts';
import { normalOf, orientationOf, type Point, pointOf } from './stack.ts';

/** For people; 64 characters are allowed (PS3.5 table 6.2-1, LO). */
export const LONGEST_DESCRIPTION = 1024;

/**
 * What selection needs to know of a series, from the headers of all its instances: one candidate for each
 * volume that it holds.
 */
export function candidatesOf(seriesInstanceUid: string, headers: readonly DicomDataset[]): CandidateSeries[] {
  return candidatesWithHeaders(seriesInstanceUid, headers).map(({ candidate }) => candidate);
}

/** As `candidatesOf`, each candidate with the headers of its images. */
export function candidatesWithHeaders(
  seriesInstanceUid: string,
  headers: readonly DicomDataset[],
): { candidate: CandidateSeries; headers: DicomDataset[] }[] {
  const frames = headers.flatMap(framesOf);
  const parts = withoutCompanions(splitSeries(frames));
  const description = headers
    .map((header) => text(header, 'SeriesDescription'))
    .find((one) => one !== undefined)
    ?.slice(0, LONGEST_DESCRIPTION);
  const orientations = new Set(parts.map(({ frames: [first] }) => first && orientation(first.attributes)))
    .size;
  return parts.map((part) => {
    const own = [...new Set(part.frames.map(({ instance }) => instance.dataset))];
    const mostBytes = mostBytesOfAny(own);
    const candidate: CandidateSeries = {
      seriesInstanceUid,
      description: description ?? '',
      ...(part.name === undefined ? {} : { part: partOf(part, part.name) }),
      images: part.frames.length,
      ...(mostBytes === undefined ? {} : { mostBytes }),
      ...(part.problem === undefined ? {} : { problem: part.problem }),
      facts: factsOfPart(part, orientations),
    };
    return { candidate, headers: own };
  });
}

function mostBytesOfAny(headers: readonly DicomDataset[]): number | undefined {
  let most = 0;
  for (const header of headers) {
    const own = mostBytesOf(header);
    if (own === undefined) return undefined;
    most = Math.max(most, own);
  }
  return most;
}

function partOf({ frames, formerName }: SeriesPart, name: string): PartOfSeries {
  const images = new Set(frames.map(imageKey));
  return formerName === undefined ? { name, images } : { name, images, formerName };
}

/**
 * Structure sets, reports, presentation states and the like that stand under the series UID of images: they
 * are no volume, and the images are none the less for them. The parts keep the names that tell them from
 * these.
 */
function withoutCompanions(parts: readonly SeriesPart[]): readonly SeriesPart[] {
  const images = parts.filter(({ frames: [first] }) => first && modalityOf(first.attributes) !== undefined);
  return images.length > 0 ? images : parts;
}

/**
 * A header whose functional groups are incomplete still tells what it is; only its frames cannot be told
 * apart.
 */
export function framesOf(dataset: DicomDataset): ImageFrame[] {
  const source = `instance ${text(dataset, 'SOPInstanceUID') ?? 'without UID'}`;
  const instance = { dataset, transferSyntaxUid: '', frames: [], source };
  try {
    return imageFrames(instance);
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    return [{ instance, index: 0, label: source, attributes: dataset }];
  }
}

function orientation(attributes: DicomDataset): string | undefined {
  const normal = normalOf(attributes);
  return normal && orientationOf(normal);
}

function factsOfPart({ frames }: SeriesPart, orientations: number): CandidateSeries['facts'] {
  const middle = frames[frames.length >> 1]?.attributes ?? {};
  return factsOf(middle, frames.length, { positions: positionsOf(frames), orientations });
}

/** Where the images lie; undefined where one does not say it. */
export function positionsOf(frames: readonly ImageFrame[]): Point[] | undefined {
  const positions = frames.map(({ attributes }) => pointOf(attributes));
  return positions.every((position) => position !== undefined) ? positions : undefined;
}
