import {
  type DicomDataset,
  number,
  numbers,
  readInstance,
  requiredNumber,
  sequence,
  text,
} from '../dataset.ts';
import { DicomError } from '../errors.ts';
import type { SeriesVolume, SourceSlice } from '../geometry/series-volume.ts';
import { spacingOf } from '../volume.ts';
import { unpackBits } from './bit-packing.ts';
import { imagePosition } from './frame-attributes.ts';
import { SEGMENTATION_STORAGE } from './segmentation-object.ts';

/** Frames lie on the source's planes to within rounding of the positions' text. */
const POSITION_TOLERANCE = 0.01; // of the distance between planes

/**
 * Reads a BINARY Segmentation of one segment back to a mask on a series' grid, one byte per voxel, 0 or 1. Frames are
 * laid on planes by their positions in space, and must name the plane's image as their source.
 * Throws DICOM_GEOMETRY where a frame lies on no plane of the series, DICOM_UNREADABLE or DICOM_ATTRIBUTE for bytes
 * that are no such object.
 */
export function readSegmentation(bytes: Uint8Array, series: SeriesVolume, source = 'SEG'): Uint8Array {
  const { dataset, frames } = readInstance(bytes, source);
  if (
    text(dataset, 'SOPClassUID') !== SEGMENTATION_STORAGE ||
    text(dataset, 'SegmentationType') !== 'BINARY'
  ) {
    throw new DicomError('DICOM_ATTRIBUTE', `${source}: not a BINARY Segmentation`);
  }
  const [columns, rows, planeCount] = series.volume.size;
  if (number(dataset, 'Rows') !== rows || number(dataset, 'Columns') !== columns) {
    throw new DicomError(
      'DICOM_GEOMETRY',
      `${source}: frames are not ${columns} x ${rows} like the source images`,
    );
  }
  const groups = sequence(dataset, 'PerFrameFunctionalGroupsSequence');
  const frameCount = requiredNumber(dataset, 'NumberOfFrames', source);
  const planeLength = columns * rows;
  const packed = concatenated(frames);
  if (groups.length !== frameCount || packed.length * 8 < frameCount * planeLength) {
    throw new DicomError(
      'DICOM_UNREADABLE',
      `${source}: ${frameCount} frames, but not the groups or pixels of as many`,
    );
  }
  const mask = new Uint8Array(planeLength * planeCount);
  for (const [frame, group] of groups.entries()) {
    const plane = planeOf(group, series, `${source}, frame ${frame + 1}`);
    mask.set(unpackBits(packed, frame * planeLength, planeLength), plane * planeLength);
  }
  return mask;
}

/** Bits run on across frames, so frames that were cut at bytes are put together again. */
function concatenated(frames: readonly Uint8Array[]): Uint8Array {
  const [only] = frames;
  return frames.length === 1 && only ? only : Buffer.concat(frames);
}

function planeOf(group: DicomDataset, series: SeriesVolume, source: string): number {
  const position = numbers(sequence(group, 'PlanePositionSequence')[0] ?? {}, 'ImagePositionPatient');
  const tolerance = POSITION_TOLERANCE * spacingOf(series.volume.affine)[2];
  const plane = series.slices.findIndex(
    (slice) => distance(imagePosition(slice).map(Number), position) <= tolerance,
  );
  const slice = series.slices[plane];
  if (!slice) throw new DicomError('DICOM_GEOMETRY', `${source}: lies on no plane of the source series`);
  if (!namesSource(group, slice)) {
    throw new DicomError('DICOM_GEOMETRY', `${source}: does not name the image on whose plane it lies`);
  }
  return plane;
}

function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== 3 || b.length !== 3) return Number.POSITIVE_INFINITY;
  return Math.hypot(...a.map((value, axis) => value - (b[axis] ?? 0)));
}

function namesSource(group: DicomDataset, slice: SourceSlice): boolean {
  return sequence(group, 'DerivationImageSequence')
    .flatMap((derivation) => sequence(derivation, 'SourceImageSequence'))
    .some(
      (image) =>
        text(image, 'ReferencedSOPInstanceUID') === slice.sopInstanceUid &&
        number(image, 'ReferencedFrameNumber') === slice.frameNumber,
    );
}
