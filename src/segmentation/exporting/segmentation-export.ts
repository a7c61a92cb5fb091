import type { ArrayPart } from '../array-view.ts';
import { type Array3, type Axis, elements, permuted, type Shape3 } from '../array3.ts';
import type { ModelInfo } from '../model/model-info.ts';
import type { Properties } from '../preprocessing/preprocess.ts';
import { forEachResizedPlane } from '../resampling/linear.ts';
import { separateAxis } from '../resampling/resample.ts';
import { separateAxisAs } from '../resampling/resample-as.ts';
import type { VoxelRange } from '../voxel-range.ts';
import { keepLargestComponents } from './postprocess.ts';
import { confineToMask, FAINT_PROBABILITY, softValue } from './soft-mask.ts';

/** Foreground where it is more probable than background; nnU-Net's argmax gives a tie to the background. */
const THRESHOLD = 0.5;

export interface ExportedSegmentation {
  readonly mask: Uint8Array;
  readonly probability: Float32Array | undefined;
  /** The probability in 255ths, confined to the organ: at least 128 exactly where the mask is. */
  readonly softMask: Uint8Array;
  readonly voxelRange: VoxelRange;
  /** Which stretch of the arrays holds anything but 0; of the probability, anything that is not faint. */
  readonly region: { readonly first: number; readonly end: number };
}

/**
 * Brings the foreground's probability back to the volume's grid and makes the mask: nnU-Net v1's
 * `save_segmentation_nifti_from_softmax`, with postprocessing. Interpolated along the network's axes, which
 * is the same as along the volume's.
 *
 * @param probability on the network's grid
 * @returns arrays on the volume's own grid
 */
export function exportSegmentation(
  probability: ArrayPart | Array3<Float32Array>,
  properties: Properties,
  info: ModelInfo,
  saveProbability: boolean,
): ExportedSegmentation {
  const { volumeShape, cropped } = properties;
  const { shape, origin, steps } = cropped;
  const mask = new Uint8Array(elements(volumeShape));
  const whole = saveProbability ? new Float32Array(elements(volumeShape)) : undefined;
  const softMask = new Uint8Array(mask.length);
  // Memory that is never looked at is never taken: only the slices with anything in them are, from here on.
  let [low, high] = [mask.length, -1];
  const separate = separateAxisOfExport(properties, info);
  forEachResizedPlane(probability, shape, separate, (plane, i, { rows, columns }) => {
    let from = 0;
    for (let j = rows.first; j < rows.first + rows.count; j++) {
      let to = origin + i * steps[0] + j * steps[1] + columns.first * steps[2];
      for (let k = 0; k < columns.count; k++, to += steps[2]) {
        // The original compares the classes in single precision.
        const value = Math.fround(plane[from++] as number);
        if (value > THRESHOLD) mask[to] = 1;
        if (value >= FAINT_PROBABILITY) {
          softMask[to] = softValue(value);
          if (to < low) low = to;
          if (to > high) high = to;
        }
        if (whole) whole[to] = value;
      }
    }
  });
  const slices = slicesBetween(low, high, volumeShape);
  const found = slices.of(mask);
  if (info.postprocessing.keepLargestComponent) keepLargestComponents({ data: found, shape: slices.shape });
  const voxelRange = confineToMask({ data: slices.of(softMask), shape: slices.shape }, found);
  return { mask, probability: whole, softMask, voxelRange, region: slices.region };
}

/** The slices of an array in which some of its indices lie; none where `high` is less than `low`. */
function slicesBetween(low: number, high: number, [, n1, n2]: Shape3) {
  const length = n1 * n2;
  const first = high < low ? 0 : Math.floor(low / length);
  const end = high < low ? 0 : Math.floor(high / length) + 1;
  const region = { first: first * length, end: end * length };
  return {
    region,
    shape: [end - first, n1, n2] as const,
    of: (array: Uint8Array) => array.subarray(region.first, region.end),
  };
}

/**
 * The original compares the untransposed spacing of the volume with the transposed one of the network, and
 * takes an axis found in either for one of the untransposed array. Kept, for the same result; nnU-Net v2 does
 * neither.
 *
 * @returns an axis of the network's
 */
function separateAxisOfExport({ originalSpacing }: Properties, info: ModelInfo): Axis | undefined {
  if (info.nnunetV2) {
    const transposed = permuted(originalSpacing, info.transposeForward);
    return separateAxisAs(info.nnunetV2.resampling.logits, info.spacing, transposed);
  }
  const untransposed = separateAxis(originalSpacing, info.spacing);
  return ([0, 1, 2] as const).find((axis) => info.transposeForward[axis] === untransposed);
}
