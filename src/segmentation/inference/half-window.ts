import { type Array3, elements, type Shape3 } from '../array3.ts';
import { SegmentationError } from '../segmentation-error.ts';
import { halfGaussian } from './gaussian.ts';
import { everyStart, type SlidingWindow, startsOf } from './sliding-window.ts';
import {
  type ForEachNetwork,
  type Mirrored,
  mirror,
  mirrorCombinations,
  type Predict,
  padding,
  type WindowOptions,
} from './window.ts';
import { copyWindow } from './windowed-image.ts';

/** Logits on the network's grid, one volume after the other for each class, in half precision. */
export interface HalfLogits {
  readonly data: Float16Array;
  readonly classes: number;
  /** Of each class. */
  readonly shape: Shape3;
}

/**
 * The logits of every voxel as nnU-Net v2 predicts them on a CPU: zero-padded to the patch, logits averaged
 * over mirror images in single precision, weighted and added up **in half precision**, window after window,
 * divided, and several networks (folds) averaged in half precision. Every rounding is the original's, for the
 * labels depend on them: half precision makes ties.
 *
 * @param image normalized, on the network's grid
 * @throws {SegmentationError} INFERENCE_FAILED: logits too large for half precision, as in the original
 */
export async function slideLogits(
  image: Array3<Float32Array>,
  sliding: SlidingWindow,
  classes: number,
  forEachNetwork: ForEachNetwork,
  options: WindowOptions = {},
): Promise<HalfLogits> {
  const { patchSize } = sliding;
  const { padded, before } = padding(image.shape, patchSize);
  const starts = startsOf(padded, sliding);
  const weights = halfGaussian(patchSize);
  const window = { data: new Float32Array(elements(patchSize)), shape: patchSize };
  const predictWindow = meanOverMirrors(patchSize, sliding.mirrorAxes, classes, options);
  let total: Float16Array | undefined;
  let networks = 0;
  await forEachNetwork(async (predict) => {
    const sum: HalfLogits = {
      data: new Float16Array(classes * elements(image.shape)),
      classes,
      shape: image.shape,
    };
    const counts = new Float16Array(elements(image.shape));
    for (const start of everyStart(starts)) {
      const corner: Shape3 = [start[0] - before[0], start[1] - before[1], start[2] - before[2]];
      copyWindow(image, corner, window);
      addWindow(await predictWindow(predict, window.data), weights, patchSize, corner, sum, counts);
    }
    divide(sum, counts);
    networks++;
    if (total) addTo(total, sum.data);
    else total = sum.data;
  });
  const data = total ?? new Float16Array();
  if (networks > 1)
    for (let i = 0; i < data.length; i++) data[i] = Math.fround((data[i] as number) / networks);
  return { data, classes, shape: image.shape };
}

/** By how many axes they mirror: the order in which itertools.combinations gives them to the original. */
function mirrorings(axes: readonly number[]): Mirrored[] {
  const size = (mirrored: Mirrored) => mirrored.filter(Boolean).length;
  return mirrorCombinations(axes).toSorted((a, b) => size(a) - size(b));
}

/** The logits of a window, averaged over its mirror images; the array is filled anew for the next one. */
function meanOverMirrors(
  patchSize: Shape3,
  mirrorAxes: readonly number[],
  classes: number,
  { onForward, signal }: WindowOptions,
): (predict: Predict, window: Float32Array) => Promise<Float32Array> {
  const combinations = mirrorings(mirrorAxes);
  const voxels = elements(patchSize);
  const mirrored = new Float32Array(combinations.length > 1 ? voxels : 0);
  const mean = new Float32Array(classes * voxels);
  return async (predict, window) => {
    for (const [index, combination] of combinations.entries()) {
      signal?.throwIfAborted();
      if (index > 0) mirror(window, patchSize, combination, mirrored);
      const logits = await predict(index > 0 ? mirrored : window);
      if (index === 0) mean.set(logits);
      else addMirrored(logits, patchSize, combination, mean);
      onForward?.();
    }
    if (combinations.length > 1)
      for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) / combinations.length;
    return mean;
  };
}

/** Adds logits, mirrored back. */
function addMirrored(
  logits: Float32Array,
  [p0, p1, p2]: Shape3,
  mirrored: Mirrored,
  sum: Float32Array,
): void {
  let at = 0;
  for (let volume = 0; at < logits.length; volume += p0 * p1 * p2) {
    for (let i = 0; i < p0; i++) {
      const z = mirrored[0] ? p0 - 1 - i : i;
      for (let j = 0; j < p1; j++) {
        const y = mirrored[1] ? p1 - 1 - j : j;
        const row = volume + (z * p1 + y) * p2;
        for (let k = 0; k < p2; k++, at++) {
          const target = row + (mirrored[2] ? p2 - 1 - k : k);
          sum[target] = (sum[target] as number) + (logits[at] as number);
        }
      }
    }
  }
}

/** acc = half(acc + logits x weight), count = half(count + weight): products and sums in single precision. */
function addWindow(
  logits: Float32Array,
  weights: Float16Array,
  [p0, p1, p2]: Shape3,
  corner: Shape3,
  { data, classes, shape }: HalfLogits,
  counts: Float16Array,
): void {
  const first = (axis: 0 | 1 | 2) => Math.max(0, -corner[axis]);
  const end = (axis: 0 | 1 | 2, length: number) => Math.min(length, shape[axis] - corner[axis]);
  const voxels = counts.length;
  const patch = weights.length;
  for (let i = first(0); i < end(0, p0); i++) {
    for (let j = first(1); j < end(1, p1); j++) {
      const source = (i * p1 + j) * p2;
      const target = ((corner[0] + i) * shape[1] + corner[1] + j) * shape[2] + corner[2];
      for (let k = first(2); k < end(2, p2); k++) {
        const weight = weights[source + k] as number;
        counts[target + k] = Math.fround((counts[target + k] as number) + weight);
        for (let c = 0; c < classes; c++) {
          const at = c * voxels + target + k;
          const product = Math.fround((logits[c * patch + source + k] as number) * weight);
          data[at] = Math.fround((data[at] as number) + product);
        }
      }
    }
  }
}

function divide({ data }: HalfLogits, counts: Float16Array): void {
  for (let at = 0, voxel = 0; at < data.length; at++, voxel++) {
    if (voxel === counts.length) voxel = 0;
    const quotient = Math.fround((data[at] as number) / (counts[voxel] as number));
    data[at] = quotient;
    if (!Number.isFinite(data[at]))
      throw new SegmentationError(
        'INFERENCE_FAILED',
        `the network's logits are too large for half precision (${quotient}), in which nnU-Net adds them up`,
      );
  }
}

function addTo(total: Float16Array, more: Float16Array): void {
  for (let i = 0; i < total.length; i++) total[i] = Math.fround((total[i] as number) + (more[i] as number));
}
