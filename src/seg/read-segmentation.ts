import { DicomError } from '../dicom/dicom-error.ts';
import { imageOrientation, imagePosition } from '../dicom/geometry/frame-attributes.ts';
import type { SeriesVolume, SourceSlice } from '../dicom/geometry/series-volume.ts';
import {
  type DicomDataset,
  type Instance,
  number,
  numbers,
  readInstance,
  sequence,
  text,
} from '../dicom/reading/dataset.ts';
import { readForeignInstance } from '../dicom/reading/foreign-instances.ts';
import { spacingOf } from '../dicom/volume.ts';
import { PANCREAS_SEGMENT_NUMBER } from '../results/pancreas-segment.ts';
import { segmentFrames } from './read-frames.ts';

/** Frames lie on the source's planes to within rounding of the positions' text. */
const POSITION_TOLERANCE = 0.01; // of the distance between planes
/** Direction cosines that were formatted anew differ by less; another direction by more. */
const DIRECTION_TOLERANCE = 1e-3;

/**
 * Reads a SEG of the node, of any form, back to a mask on a series' grid, one byte per voxel, 0 or 1. Frames
 * are laid on planes by their positions in space, and must name the plane's image as their source. Throws
 * DICOM_GEOMETRY where a frame lies on no plane of the series, DICOM_UNREADABLE or DICOM_ATTRIBUTE for bytes
 * that are no such object.
 */
export function readSegmentation(bytes: Uint8Array, series: SeriesVolume, source = 'SEG'): Uint8Array {
  return segmentOnSeries(readInstance(bytes, source), PANCREAS_SEGMENT_NUMBER, series, {
    sourcesNamed: true,
  });
}

/**
 * As `readSegmentation`, of bytes that an archive gave, which may not be what was stored.
 * @param bytes see `readForeignInstance`
 */
export async function readGivenSegmentation(
  bytes: Uint8Array,
  series: SeriesVolume,
  source = 'SEG',
): Promise<Uint8Array> {
  const instance = await readForeignInstance(bytes, source);
  return segmentOnSeries(instance, PANCREAS_SEGMENT_NUMBER, series, { sourcesNamed: true });
}

/**
 * One segment of a SEG, whoever wrote it, as a mask on a series' grid. Other writers need not name the image
 * of each frame: then place and direction alone count. Throws as `readSegmentation`.
 */
export function segmentOnSeries(
  instance: Instance,
  segment: number,
  series: SeriesVolume,
  { sourcesNamed }: { readonly sourcesNamed: boolean },
): Uint8Array {
  const { dataset, source } = instance;
  const [columns, rows, planeCount] = series.volume.size;
  if (number(dataset, 'Rows') !== rows || number(dataset, 'Columns') !== columns) {
    throw new DicomError(
      'DICOM_GEOMETRY',
      `${source}: frames are not ${columns} x ${rows} like the source images`,
    );
  }
  const shared = sequence(dataset, 'SharedFunctionalGroupsSequence')[0] ?? {};
  const mask = new Uint8Array(columns * rows * planeCount);
  const positions = series.slices.map((slice) => imagePosition(slice).map(Number));
  for (const [frame, { groups, pixels }] of segmentFrames(instance, segment).entries()) {
    const place = `${source}, frame ${frame + 1} of segment ${segment}`;
    const plane = planeOf(groups, positions, series, place);
    const slice = series.slices[plane];
    if (!slice) continue;
    if (sourcesNamed && !namesSource(groups, slice)) {
      throw new DicomError('DICOM_GEOMETRY', `${place}: does not name the image on whose plane it lies`);
    }
    if (!sourcesNamed && !hasDirectionsOf(slice, groups, shared)) {
      throw new DicomError('DICOM_GEOMETRY', `${place}: is turned or mirrored against the source images`);
    }
    const first = plane * columns * rows;
    for (let i = 0; i < pixels.length; i++) if (pixels[i] === 1) mask[first + i] = 1;
  }
  return mask;
}

/** @param positions of the series' slices */
function planeOf(
  groups: DicomDataset,
  positions: readonly (readonly number[])[],
  series: SeriesVolume,
  place: string,
): number {
  const position = numbers(sequence(groups, 'PlanePositionSequence')[0] ?? {}, 'ImagePositionPatient');
  const tolerance = POSITION_TOLERANCE * spacingOf(series.volume.affine)[2];
  const plane = positions.findIndex((one) => distance(one, position) <= tolerance);
  if (plane === -1) throw new DicomError('DICOM_GEOMETRY', `${place}: lies on no plane of the source series`);
  return plane;
}

function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== 3 || b.length !== 3) return Number.POSITIVE_INFINITY;
  const [x = 0, y = 0, z = 0] = a;
  const [u = 0, v = 0, w = 0] = b;
  return Math.hypot(x - u, y - v, z - w);
}

function hasDirectionsOf(slice: SourceSlice, own: DicomDataset, shared: DicomDataset): boolean {
  const [item = {}] = [own, shared].flatMap((groups) => sequence(groups, 'PlaneOrientationSequence'));
  const directions = numbers(item, 'ImageOrientationPatient');
  const wanted = imageOrientation(slice).map(Number);
  return (
    directions.length === 6 &&
    directions.every((value, i) => Math.abs(value - (wanted[i] ?? Number.NaN)) < DIRECTION_TOLERANCE)
  );
}

function namesSource(groups: DicomDataset, slice: SourceSlice): boolean {
  return sequence(groups, 'DerivationImageSequence')
    .flatMap((derivation) => sequence(derivation, 'SourceImageSequence'))
    .some(
      (image) =>
        text(image, 'ReferencedSOPInstanceUID') === slice.sopInstanceUid &&
        number(image, 'ReferencedFrameNumber') === slice.frameNumber,
    );
}
