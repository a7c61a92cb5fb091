import { DicomError } from '../dicom/dicom-error.ts';
import { nonEmptyPlanes, packBits } from '../dicom/pixels/bit-packing.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { PANCREAS_SEGMENT_NUMBER } from '../results/pancreas-segment.ts';
import type { ResultContext, SegmentationForm } from '../results/result-context.ts';

export const SEGMENTATION_STORAGE = '1.2.840.10008.5.1.4.1.1.66.4';
export const LABEL_MAP_SEGMENTATION_STORAGE = '1.2.840.10008.5.1.4.1.1.66.7';

/** What stands for a probability of 1 in a fractional SEG: all of a byte. */
const MAXIMUM_FRACTIONAL_VALUE = 255;

/** The stored frames of a SEG and what says how they are to be read. */
export interface SegmentationFrames {
  readonly sopClassUid: string;
  /** The planes of the source that hold anything, in ascending order: one frame each. */
  readonly planes: readonly number[];
  readonly pixelData: Uint8Array<ArrayBuffer>;
  readonly attributes: WritableDataset;
}

const ONE_BIT = { BitsAllocated: 1, BitsStored: 1, HighBit: 0 } as const;
const ONE_BYTE = { BitsAllocated: 8, BitsStored: 8, HighBit: 7 } as const;

/**
 * The voxels in one of the forms of PS3.3 C.8.20.2. A fractional SEG holds the probability, so it has planes
 * that the mask leaves empty. Undefined where the mask is empty. Throws DICOM_GEOMETRY where a fractional one
 * is asked for and no probability is there.
 */
export function framesOf(context: ResultContext, form: SegmentationForm): SegmentationFrames | undefined {
  const { series, mask } = context;
  const [columns, rows] = series.volume.size;
  const planeLength = columns * rows;
  const planes = nonEmptyPlanes(mask, planeLength);
  if (planes.length === 0) return undefined;
  if (form === 'fractional') return fractionalFrames(context);
  if (form === 'labelmap') {
    return {
      sopClassUid: LABEL_MAP_SEGMENTATION_STORAGE,
      planes,
      pixelData: bytesOf(mask, planeLength, planes, (value) => (value === 0 ? 0 : PANCREAS_SEGMENT_NUMBER)),
      attributes: { SegmentationType: 'LABELMAP', PixelPaddingValue: 0, ...ONE_BYTE },
    };
  }
  return {
    sopClassUid: SEGMENTATION_STORAGE,
    planes,
    pixelData: packBits(mask, planeLength, planes),
    attributes: { SegmentationType: 'BINARY', ...ONE_BIT },
  };
}

/** Planes one after the other, one byte per voxel, padded to an even number of bytes (PS3.5 8.1.1). */
function bytesOf(
  voxels: Uint8Array,
  planeLength: number,
  planes: readonly number[],
  stored: (value: number) => number,
): Uint8Array<ArrayBuffer> {
  const length = planes.length * planeLength;
  const bytes = new Uint8Array(length + (length % 2));
  for (const [frame, plane] of planes.entries()) {
    const first = plane * planeLength;
    for (let i = 0; i < planeLength; i++) {
      bytes[frame * planeLength + i] = stored(voxels[first + i] as number);
    }
  }
  return bytes;
}

function fractionalFrames({ series, mask, softMask }: ResultContext): SegmentationFrames {
  const [columns, rows] = series.volume.size;
  if (softMask?.length !== mask.length) {
    throw new DicomError('DICOM_GEOMETRY', 'a fractional SEG needs the probability on the grid of the mask');
  }
  const planes = nonEmptyPlanes(softMask, columns * rows);
  return {
    sopClassUid: SEGMENTATION_STORAGE,
    planes,
    pixelData: bytesOf(softMask, columns * rows, planes, (value) => value),
    attributes: {
      SegmentationType: 'FRACTIONAL',
      SegmentationFractionalType: 'PROBABILITY',
      MaximumFractionalValue: MAXIMUM_FRACTIONAL_VALUE,
      ...ONE_BYTE,
    },
  };
}
