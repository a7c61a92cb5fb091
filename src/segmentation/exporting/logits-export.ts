import { type Array3, type Axis, elements, permuted, type Shape3, sameShape } from '../array3.ts';
import type { HalfLogits } from '../inference/half-window.ts';
import type { ModelInfo } from '../model/model-info.ts';
import type { Properties } from '../preprocessing/preprocess.ts';
import { nearestIndices, oldCoordinate } from '../resampling/coordinates.ts';
import { resampleAs, separateAxisAs } from '../resampling/resample-as.ts';
import type { Resampling } from '../resampling/resampling.ts';
import { keepLargestComponents } from './postprocess.ts';
import type { ExportedSegmentation } from './segmentation-export.ts';
import { confineToMask, FAINT_PROBABILITY, softValue } from './soft-mask.ts';

/** What a half is of 255, rounded up: in the mask nothing is softer. */
const INSIDE = 128;

/**
 * Brings logits back to the volume's grid and makes the mask, as nnU-Net v2 does
 * (convert_predicted_logits_to_segmentation_with_correct_shape): resampled in double precision, rounded to
 * half again, and then the largest counts, the first of equal ones.
 *
 * The probability is that of the pancreas against the likeliest other class: above one half in the mask,
 * whatever the number of classes; with two it is the softmax.
 *
 * @returns arrays on the volume's own grid
 */
export function exportLogits(
  logits: HalfLogits,
  properties: Properties,
  { nnunetV2, spacing, transposeForward, postprocessing }: ModelInfo,
  saveProbability: boolean,
): ExportedSegmentation {
  if (!nnunetV2) throw new Error('a model of nnU-Net v1 has no logits to export');
  const { volumeShape, cropped, originalSpacing } = properties;
  const { shape, origin, steps } = cropped;
  const { pancreas, resampling } = nnunetV2;
  const separate = separateAxisAs(resampling.logits, spacing, permuted(originalSpacing, transposeForward));
  const mask = new Uint8Array(elements(volumeShape));
  const whole = saveProbability ? new Float32Array(mask.length) : undefined;
  const softMask = new Uint8Array(mask.length);
  const planesOf = resizedPlanes(logits, shape, separate, resampling.logits);
  const [n0, n1, n2] = shape;
  for (let i = 0; i < n0; i++) {
    const planes = planesOf(i);
    const own = planes[pancreas] as Float16Array;
    let at = 0;
    for (let j = 0; j < n1; j++) {
      let to = origin + i * steps[0] + j * steps[1];
      for (let k = 0; k < n2; k++, at++, to += steps[2]) {
        const logit = own[at] as number;
        let isLargest = true;
        let other = Number.NEGATIVE_INFINITY;
        for (const [label, plane] of planes.entries()) {
          if (label === pancreas) continue;
          const value = plane[at] as number;
          if (value > other) other = value;
          if (value > logit || (value === logit && label < pancreas)) isLargest = false;
        }
        const probability = Math.fround(1 / (1 + Math.exp(other - logit)));
        if (isLargest) mask[to] = 1;
        if (isLargest) softMask[to] = Math.max(INSIDE, softValue(probability));
        else if (probability >= FAINT_PROBABILITY)
          softMask[to] = Math.min(INSIDE - 1, softValue(probability));
        if (whole) whole[to] = probability;
      }
    }
  }
  if (postprocessing.keepLargestComponent) keepLargestComponents({ data: mask, shape: volumeShape });
  const voxelRange = confineToMask({ data: softMask, shape: volumeShape }, mask);
  return { mask, probability: whole, softMask, voxelRange, region: { first: 0, end: mask.length } };
}

/** Planes of the resized logits across the first axis, one for each class; they are filled anew each time. */
type PlanesOf = (index: number) => readonly Float16Array[];

function resizedPlanes(
  logits: HalfLogits,
  shape: Shape3,
  separate: Axis | undefined,
  resampling: Resampling,
): PlanesOf {
  const { order, orderZ } = resampling;
  const isSame = sameShape(logits.shape, shape);
  if (!isSame && order !== 3 && (separate === undefined || orderZ !== 3)) {
    const along = (axis: Axis) => tapsOf(logits.shape[axis], shape[axis], axis === separate ? orderZ : order);
    return interpolatedPlanes(logits, [along(0), along(1), along(2)]);
  }
  const resized = isSame ? logits : eachResampled(logits, shape, separate, resampling);
  const plane = shape[1] * shape[2];
  return (index) =>
    Array.from({ length: logits.classes }, (_, label) => {
      const start = (label * shape[0] + index) * plane;
      return resized.data.subarray(start, start + plane);
    });
}

/** By splines, which nobody's plans ask for; a class at a time. */
function eachResampled(
  { data, classes, shape: old }: HalfLogits,
  shape: Shape3,
  separate: Axis | undefined,
  resampling: Resampling,
): HalfLogits {
  const [before, after] = [elements(old), elements(shape)];
  const resized = new Float16Array(classes * after);
  for (let label = 0; label < classes; label++) {
    const own: Array3<Float32Array> = {
      data: Float32Array.from(data.subarray(label * before, (label + 1) * before)),
      shape: old,
    };
    resized.set(resampleAs(own, shape, separate, resampling).data, label * after);
  }
  return { data: resized, classes, shape };
}

/** Two neighbours on the old grid for each new index, and their weights. */
interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
}

/** As scipy.ndimage has them with mode nearest: coordinates beyond the ends are moved to them first. */
function tapsOf(length: number, newLength: number, order: Resampling['order']): Taps {
  if (order === 0) {
    const nearest = nearestIndices(length, newLength);
    const none = new Float64Array(newLength);
    return { low: nearest, high: nearest, first: none.map(() => 1), second: none };
  }
  const taps: Taps = {
    low: new Int32Array(newLength),
    high: new Int32Array(newLength),
    first: new Float64Array(newLength),
    second: new Float64Array(newLength),
  };
  for (let i = 0; i < newLength; i++) {
    const coordinate = Math.min(length - 1, Math.max(0, oldCoordinate(i, length, newLength)));
    const low = Math.floor(coordinate);
    taps.low[i] = low;
    taps.high[i] = Math.min(length - 1, low + 1);
    taps.first[i] = 1 - (coordinate - low);
    taps.second[i] = 1 - (taps.first[i] as number);
  }
  return taps;
}

/**
 * The eight neighbours' sum in scipy's own order, each value times its three weights: halves have their
 * middles where simple ratios of spacings put values, and the last bit decides which way they are rounded.
 */
function interpolatedPlanes(
  { data, classes, shape: [, n1, n2] }: HalfLogits,
  [along0, along1, along2]: readonly [Taps, Taps, Taps],
): PlanesOf {
  const voxels = data.length / classes;
  const plane = n1 * n2;
  const [count1, count2] = [along1.low.length, along2.low.length];
  const planes = Array.from({ length: classes }, () => new Float16Array(count1 * count2));
  const [near, far] = [new Float64Array(plane), new Float64Array(plane)];
  const { low, high, first, second } = along2;
  return (index) => {
    const [i0 = 0, i1 = 0] = [along0.low[index], along0.high[index]];
    const [a0 = 0, a1 = 0] = [along0.first[index], along0.second[index]];
    for (const [label, target] of planes.entries()) {
      const start = label * voxels;
      near.set(data.subarray(start + i0 * plane, start + (i0 + 1) * plane));
      far.set(data.subarray(start + i1 * plane, start + (i1 + 1) * plane));
      let at = 0;
      for (let j = 0; j < count1; j++) {
        const rowLow = (along1.low[j] as number) * n2;
        const rowHigh = (along1.high[j] as number) * n2;
        const b0 = along1.first[j] as number;
        const b1 = along1.second[j] as number;
        for (let k = 0; k < count2; k++) {
          const [k0, k1] = [low[k] as number, high[k] as number];
          const c0 = first[k] as number;
          const c1 = second[k] as number;
          let sum = (near[rowLow + k0] as number) * a0 * b0 * c0;
          sum += (near[rowLow + k1] as number) * a0 * b0 * c1;
          sum += (near[rowHigh + k0] as number) * a0 * b1 * c0;
          sum += (near[rowHigh + k1] as number) * a0 * b1 * c1;
          sum += (far[rowLow + k0] as number) * a1 * b0 * c0;
          sum += (far[rowLow + k1] as number) * a1 * b0 * c1;
          sum += (far[rowHigh + k0] as number) * a1 * b1 * c0;
          sum += (far[rowHigh + k1] as number) * a1 * b1 * c1;
          target[at++] = sum;
        }
      }
    }
    return planes;
  };
}
