import { type Array3, elements, type Shape3 } from '../array3.ts';
import { gaussianWeights } from './gaussian.ts';
import type { WindowedImage } from './windowed-image.ts';

/** The network as a function: a window [z, y, x] to logits [classes, z, y, x], background first. */
export type Predict = (window: Float32Array) => Promise<Float32Array>;

/** Calls back with one network (fold) after the other, so that only one is in memory. */
export type ForEachNetwork = (use: (predict: Predict) => Promise<void>) => Promise<void>;

export interface WindowOptions {
  /** Called after each forward pass. */
  readonly onForward?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An image that is smaller than the patch lies in the middle of zeros. */
export interface Padding {
  readonly padded: Shape3;
  /** Zeros before the image's first voxel. */
  readonly before: Shape3;
}

export function padding(shape: Shape3, patchSize: Shape3): Padding {
  const length = (axis: 0 | 1 | 2) => Math.max(shape[axis], patchSize[axis]);
  const below = (axis: 0 | 1 | 2) => Math.floor((length(axis) - shape[axis]) / 2);
  return { padded: [length(0), length(1), length(2)], before: [below(0), below(1), below(2)] };
}

export type Mirrored = readonly [boolean, boolean, boolean];

/** All subsets of the axes, the empty one first. */
export function mirrorCombinations(axes: readonly number[]): Mirrored[] {
  return Array.from({ length: 2 ** axes.length }, (_, subset) => {
    const isMirrored = (axis: number) =>
      axes.some((mirrored, bit) => mirrored === axis && (subset >> bit) & 1);
    return [isMirrored(0), isMirrored(1), isMirrored(2)] as const;
  });
}

/** Predicts windows of one image, and adds them up with their weights. */
export interface WindowAdder {
  /** Of a window's voxels along each axis; their products weigh a voxel. */
  readonly weights: readonly [Float64Array, Float64Array, Float64Array];
  /**
   * Adds the foreground's probability in the window at `corner`: the mean over all mirror images, times the
   * Gaussian weights.
   * @param corner index of the window's first voxel in the image; may be negative
   */
  add(predict: Predict, corner: Shape3, sum: Array3<Float32Array>): Promise<void>;
}

/**
 * @param mirrorAxes axes over whose mirror images predictions are averaged, in all combinations
 * @param onMean told of each window's mean before it is added; the array is filled anew for the next one
 */
export function windowAdder(
  image: WindowedImage,
  patchSize: Shape3,
  mirrorAxes: readonly number[],
  { onForward, signal }: WindowOptions,
  onMean?: (mean: Float32Array, corner: Shape3) => void,
): WindowAdder {
  const mirrorings = mirrorCombinations(mirrorAxes);
  const weights = patchSize.map(gaussianWeights) as [Float64Array, Float64Array, Float64Array];
  const window = { data: new Float32Array(elements(patchSize)), shape: patchSize };
  const mirrorImage = new Float32Array(mirrorings.length > 1 ? window.data.length : 0);
  const mean = new Float32Array(window.data.length);
  return {
    weights,
    async add(predict, corner, sum) {
      mean.fill(0);
      image.read(corner, window);
      for (const mirrored of mirrorings) {
        signal?.throwIfAborted();
        const isMirrored = mirrored.some(Boolean);
        if (isMirrored) mirror(window.data, patchSize, mirrored, mirrorImage);
        const logits = await predict(isMirrored ? mirrorImage : window.data);
        addForeground(logits, patchSize, mirrored, mirrorings.length, mean);
        onForward?.();
      }
      onMean?.(mean, corner);
      addWeighted(mean, patchSize, corner, weights, sum);
    },
  };
}

/** Copies a window, mirrored. */
export function mirror(
  window: Float32Array,
  [p0, p1, p2]: Shape3,
  mirrored: Mirrored,
  target: Float32Array,
): void {
  let at = 0;
  for (let i = 0; i < p0; i++) {
    const z = mirrored[0] ? p0 - 1 - i : i;
    for (let j = 0; j < p1; j++, at += p2) {
      const row = (z * p1 + (mirrored[1] ? p1 - 1 - j : j)) * p2;
      target.set(window.subarray(row, row + p2), at);
      if (mirrored[2]) target.subarray(at, at + p2).reverse();
    }
  }
}

/**
 * Adds the softmax's foreground, mirrored back: with two classes, the logistic function of their difference.
 */
function addForeground(
  logits: Float32Array,
  [p0, p1, p2]: Shape3,
  mirrored: Mirrored,
  count: number,
  mean: Float32Array,
): void {
  const voxels = mean.length;
  let at = 0;
  for (let i = 0; i < p0; i++) {
    const z = mirrored[0] ? p0 - 1 - i : i;
    for (let j = 0; j < p1; j++) {
      const y = mirrored[1] ? p1 - 1 - j : j;
      const row = (z * p1 + y) * p2;
      for (let k = 0; k < p2; k++, at++) {
        const target = row + (mirrored[2] ? p2 - 1 - k : k);
        const difference = (logits[at] as number) - (logits[voxels + at] as number);
        mean[target] = (mean[target] as number) + 1 / (1 + Math.exp(difference)) / count;
      }
    }
  }
}

function addWeighted(
  patch: Float32Array,
  [p0, p1, p2]: Shape3,
  corner: Shape3,
  [weights0, weights1, weights2]: [Float64Array, Float64Array, Float64Array],
  { data, shape }: Array3<Float32Array>,
): void {
  const first = (axis: 0 | 1 | 2) => Math.max(0, -corner[axis]);
  const end = (axis: 0 | 1 | 2, length: number) => Math.min(length, shape[axis] - corner[axis]);
  for (let i = first(0); i < end(0, p0); i++) {
    for (let j = first(1); j < end(1, p1); j++) {
      const weight = (weights0[i] as number) * (weights1[j] as number);
      const source = (i * p1 + j) * p2;
      const target = ((corner[0] + i) * shape[1] + corner[1] + j) * shape[2] + corner[2];
      for (let k = first(2); k < end(2, p2); k++) {
        data[target + k] =
          (data[target + k] as number) + weight * (weights2[k] as number) * (patch[source + k] as number);
      }
    }
  }
}
