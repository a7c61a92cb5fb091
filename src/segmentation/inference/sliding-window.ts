import { type Array3, elements, type Shape3 } from '../array3.ts';
import { roundHalfToEven } from '../resampling/resample.ts';
import { type ForEachNetwork, padding, type WindowOptions, windowAdder } from './window.ts';
import { wholeImage } from './windowed-image.ts';

export interface SlidingWindow {
  /** Shape of the network's input. */
  readonly patchSize: Shape3;
  /** Distance between windows as a share of the patch; at most this much. */
  readonly stepSize: number;
  /** Axes over whose mirror images predictions are averaged, in all combinations. */
  readonly mirrorAxes: readonly number[];
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
  forEachNetwork: ForEachNetwork,
  options: WindowOptions = {},
): Promise<Array3<Float32Array>> {
  const { patchSize } = sliding;
  const { padded, before } = padding(image.shape, patchSize);
  const starts = startsOf(padded, sliding);
  const sum: Array3<Float32Array> = { data: new Float32Array(elements(image.shape)), shape: image.shape };
  const windows = windowAdder(wholeImage(image), patchSize, sliding.mirrorAxes, options);
  let networks = 0;
  await forEachNetwork(async (predict) => {
    networks++;
    for (const start of everyStart(starts)) {
      const corner: Shape3 = [start[0] - before[0], start[1] - before[1], start[2] - before[2]];
      await windows.add(predict, corner, sum);
    }
  });
  const totals = starts.map((along, axis) =>
    totalWeights(
      along,
      windows.weights[axis] as Float64Array,
      padded[axis] as number,
      before[axis] as number,
    ),
  ) as [Float64Array, Float64Array, Float64Array];
  divide(sum, totals, networks);
  return sum;
}

/** First index in the image of each window of the grid, along each axis; may be negative. */
export function gridCorners(
  shape: Shape3,
  patchSize: Shape3,
  stepSize: number,
): readonly [number[], number[], number[]] {
  const { padded, before } = padding(shape, patchSize);
  const along = (axis: 0 | 1 | 2) =>
    windowStarts(padded[axis], patchSize[axis], stepSize).map((start) => start - before[axis]);
  return [along(0), along(1), along(2)];
}

export function startsOf(
  padded: Shape3,
  { patchSize, stepSize }: SlidingWindow,
): [number[], number[], number[]] {
  const along = (axis: 0 | 1 | 2) => windowStarts(padded[axis], patchSize[axis], stepSize);
  return [along(0), along(1), along(2)];
}

export function* everyStart([starts0, starts1, starts2]: readonly [
  number[],
  number[],
  number[],
]): Generator<Shape3> {
  for (const i of starts0) for (const j of starts1) for (const k of starts2) yield [i, j, k];
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
