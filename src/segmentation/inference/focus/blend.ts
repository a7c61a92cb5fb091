import type { Box } from '../../array-view.ts';
import { type Array3, elements, type Shape3 } from '../../array3.ts';
import { type Predict, type WindowAdder, type WindowOptions, windowAdder } from '../window.ts';
import type { WindowedImage } from '../windowed-image.ts';
import { boxBetween, unite } from './box.ts';

const HALF = 0.5;

/** Windows anywhere in an image, blended by their Gaussian weights as nnU-Net blends those of its grid. */
export class Blend {
  /** Sum of the weighted probabilities. */
  readonly #sum: Array3<Float32Array>;
  readonly #corners: Shape3[] = [];
  readonly #adder: WindowAdder;
  #foreground: Box | undefined;

  constructor(
    image: WindowedImage,
    patchSize: Shape3,
    mirrorAxes: readonly number[],
    options: WindowOptions,
  ) {
    this.#sum = { data: new Float32Array(elements(image.shape)), shape: image.shape };
    this.#adder = windowAdder(image, patchSize, mirrorAxes, options, (mean, corner) => {
      const found = foregroundBox(mean, patchSize, corner, image.shape);
      if (found) this.#foreground = this.#foreground ? unite(this.#foreground, found) : found;
    });
  }

  async add(predict: Predict, corner: Shape3): Promise<void> {
    await this.#adder.add(predict, corner, this.#sum);
    this.#corners.push(corner);
  }

  /** All voxels that any window takes for foreground lie in it: so do all where the blend does. */
  get foreground(): Box | undefined {
    return this.#foreground;
  }

  /** The blended probability in a part of the image; 0 where no window was. */
  probability({ start, shape }: Box): Array3<Float32Array> {
    const data = new Float32Array(elements(shape));
    const [, n1, n2] = this.#sum.shape;
    let target = 0;
    for (let i = start[0]; i < start[0] + shape[0]; i++) {
      for (let j = start[1]; j < start[1] + shape[1]; j++, target += shape[2]) {
        const totals = this.#totals(i, j, start[2], shape[2]);
        const row = (i * n1 + j) * n2 + start[2];
        for (let k = 0; k < shape[2]; k++) {
          const total = totals[k] as number;
          if (total > 0) data[target + k] = (this.#sum.data[row + k] as number) / total;
        }
      }
    }
    return { data, shape };
  }

  /** Sums of the windows' weights along a stretch of one row. */
  #totals(i: number, j: number, first: number, count: number): Float64Array {
    const totals = new Float64Array(count);
    const [weights0, weights1, weights2] = this.#adder.weights;
    for (const corner of this.#corners) {
      const weight = (weights0[i - corner[0]] ?? 0) * (weights1[j - corner[1]] ?? 0);
      if (weight === 0) continue;
      const offset = first - corner[2];
      const end = Math.min(count, weights2.length - offset);
      for (let k = Math.max(0, -offset); k < end; k++) {
        totals[k] = (totals[k] as number) + weight * (weights2[k + offset] as number);
      }
    }
    return totals;
  }
}

/** In the image's indices, and inside the image. */
function foregroundBox(
  mean: Float32Array,
  [p0, p1, p2]: Shape3,
  corner: Shape3,
  shape: Shape3,
): Box | undefined {
  const low = [p0, p1, p2];
  const high = [-1, -1, -1];
  let at = 0;
  for (let i = 0; i < p0; i++) {
    for (let j = 0; j < p1; j++) {
      for (let k = 0; k < p2; k++, at++) {
        if ((mean[at] as number) <= HALF) continue;
        for (const [axis, index] of [i, j, k].entries()) {
          if (index < (low[axis] as number)) low[axis] = index;
          if (index > (high[axis] as number)) high[axis] = index;
        }
      }
    }
  }
  const start = (axis: 0 | 1 | 2) => Math.max(0, corner[axis] + (low[axis] as number));
  const end = (axis: 0 | 1 | 2) => Math.min(shape[axis], corner[axis] + (high[axis] as number) + 1);
  const box = boxBetween([start(0), start(1), start(2)], [end(0), end(1), end(2)]);
  return box.shape.every((length) => length > 0) ? box : undefined;
}
