import { type Array3, elements, type Shape3 } from '../array3.ts';
import { roundHalfToEven } from '../resampling/resample.ts';
import { gaussianWeights } from './gaussian.ts';

/** The network as a function: a window [z, y, x] to logits [2, z, y, x], background first. */
export type Predict = (window: Float32Array) => Promise<Float32Array>;

export interface SlidingWindow {
  /** Shape of the network's input. */
  readonly patchSize: Shape3;
  /** Distance between windows as a share of the patch; at most this much. */
  readonly stepSize: number;
  /** Axes over whose mirror images predictions are averaged, in all combinations. */
  readonly mirrorAxes: readonly number[];
}

export interface WindowOptions {
  /** Called after each forward pass. */
  readonly onForward?: () => void;
  readonly signal?: AbortSignal | undefined;
}

/** First index of each window along one axis: evenly spread, the last one ending where the image does. */
export function windowStarts(length: number, patchLength: number, stepSize: number): number[] {
  const room = length - patchLength;
  const count = Math.ceil(room / (patchLength * stepSize)) + 1;
  const step = count > 1 ? room / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => roundHalfToEven(step * i));
}

/** Forward passes that an image of this shape takes per network. */
export function countForwards(shape: Shape3, sliding: SlidingWindow): number {
  const { padded } = padding(shape, sliding.patchSize);
  const windows = startsOf(padded, sliding).reduce((product, starts) => product * starts.length, 1);
  return windows * 2 ** sliding.mirrorAxes.length;
}

/**
 * The probability of the foreground class for every voxel, as nnU-Net v1 predicts it: zero-padded to the
 * patch, softmax per window averaged over mirror images, Gaussian weights, several networks (folds) averaged.
 *
 * @param image normalized, on the network's grid
 * @param forEachNetwork calls back with one network after the other, so that only one is in memory
 */
export async function slideWindow(
  image: Array3<Float32Array>,
  sliding: SlidingWindow,
  forEachNetwork: (use: (predict: Predict) => Promise<void>) => Promise<void>,
  { onForward, signal }: WindowOptions = {},
): Promise<Array3<Float32Array>> {
  const { patchSize } = sliding;
  const { padded, before } = padding(image.shape, patchSize);
  const starts = startsOf(padded, sliding);
  const weights = patchSize.map(gaussianWeights) as [Float64Array, Float64Array, Float64Array];
  const mirrorings = mirrorCombinations(sliding.mirrorAxes);

  const window = new Float32Array(elements(patchSize));
  const mean = new Float32Array(window.length);
  const sum: Array3<Float32Array> = { data: new Float32Array(elements(image.shape)), shape: image.shape };
  let networks = 0;
  await forEachNetwork(async (predict) => {
    networks++;
    for (const start of everyStart(starts)) {
      const corner: Shape3 = [start[0] - before[0], start[1] - before[1], start[2] - before[2]];
      mean.fill(0);
      for (const mirrored of mirrorings) {
        signal?.throwIfAborted();
        readWindow(image, corner, patchSize, mirrored, window);
        addForeground(await predict(window), patchSize, mirrored, mirrorings.length, mean);
        onForward?.();
      }
      addWeighted(mean, patchSize, corner, weights, sum);
    }
  });
  const totals = starts.map((along, axis) =>
    totalWeights(along, weights[axis] as Float64Array, padded[axis] as number, before[axis] as number),
  ) as [Float64Array, Float64Array, Float64Array];
  divide(sum, totals, networks);
  return sum;
}

function padding(shape: Shape3, patchSize: Shape3): { padded: Shape3; before: Shape3 } {
  const length = (axis: 0 | 1 | 2) => Math.max(shape[axis], patchSize[axis]);
  const below = (axis: 0 | 1 | 2) => Math.floor((length(axis) - shape[axis]) / 2);
  return { padded: [length(0), length(1), length(2)], before: [below(0), below(1), below(2)] };
}

function startsOf(padded: Shape3, { patchSize, stepSize }: SlidingWindow): [number[], number[], number[]] {
  const along = (axis: 0 | 1 | 2) => windowStarts(padded[axis], patchSize[axis], stepSize);
  return [along(0), along(1), along(2)];
}

function* everyStart([starts0, starts1, starts2]: [number[], number[], number[]]): Generator<Shape3> {
  for (const i of starts0) for (const j of starts1) for (const k of starts2) yield [i, j, k];
}

type Mirrored = readonly [boolean, boolean, boolean];

/** All subsets of the axes, the empty one first. */
function mirrorCombinations(axes: readonly number[]): Mirrored[] {
  return Array.from({ length: 2 ** axes.length }, (_, subset) => {
    const isMirrored = (axis: number) => axes.some((mirror, bit) => mirror === axis && (subset >> bit) & 1);
    return [isMirrored(0), isMirrored(1), isMirrored(2)] as const;
  });
}

/** Fills `window` from the image, mirrored; 0 outside the image. `corner` may be negative. */
function readWindow(
  { data, shape }: Array3<Float32Array>,
  corner: Shape3,
  patchSize: Shape3,
  mirrored: Mirrored,
  window: Float32Array,
): void {
  const [p0, p1, p2] = patchSize;
  const isInside = (index: number, axis: 0 | 1 | 2) => index >= 0 && index < shape[axis];
  let at = 0;
  for (let i = 0; i < p0; i++) {
    const z = corner[0] + (mirrored[0] ? p0 - 1 - i : i);
    for (let j = 0; j < p1; j++, at += p2) {
      const y = corner[1] + (mirrored[1] ? p1 - 1 - j : j);
      if (!isInside(z, 0) || !isInside(y, 1)) {
        window.fill(0, at, at + p2);
        continue;
      }
      const row = (z * shape[1] + y) * shape[2];
      for (let k = 0; k < p2; k++) {
        const x = corner[2] + (mirrored[2] ? p2 - 1 - k : k);
        window[at + k] = isInside(x, 2) ? (data[row + x] as number) : 0;
      }
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

/**
 * Sum of the windows' weights at each index of the image. Windows lie on a grid and their weights are
 * products, so that the sum over all windows is the product of the three axes' sums.
 */
function totalWeights(
  starts: readonly number[],
  weights: Float64Array,
  paddedLength: number,
  before: number,
): Float64Array {
  const totals = new Float64Array(paddedLength);
  for (const start of starts) {
    for (let i = 0; i < weights.length; i++) {
      totals[start + i] = (totals[start + i] as number) + (weights[i] as number);
    }
  }
  return totals.subarray(before);
}

function divide(
  { data, shape }: Array3<Float32Array>,
  [totals0, totals1, totals2]: [Float64Array, Float64Array, Float64Array],
  networks: number,
): void {
  let at = 0;
  for (let i = 0; i < shape[0]; i++) {
    for (let j = 0; j < shape[1]; j++) {
      const total = (totals0[i] as number) * (totals1[j] as number) * networks;
      for (let k = 0; k < shape[2]; k++, at++) {
        data[at] = (data[at] as number) / (total * (totals2[k] as number));
      }
    }
  }
}
