import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Array3, Shape3 } from '../../src/segmentation/array3.ts';
import { gaussianWeights } from '../../src/segmentation/inference/gaussian.ts';
import { countForwards, slideWindow, windowStarts } from '../../src/segmentation/inference/sliding-window.ts';
import type { Predict } from '../../src/segmentation/inference/window.ts';

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** Logits [0, input]: a network that looks at nothing but the voxel itself. */
const voxelwise: Predict = async (window) => {
  const logits = new Float32Array(2 * window.length);
  logits.set(window, window.length);
  return logits;
};

/** Foreground logit 2 at the window's first voxel, 0 elsewhere: each mirroring lights up another corner. */
const corner: Predict = async (window) => {
  const logits = new Float32Array(2 * window.length);
  logits[window.length] = 2;
  return logits;
};

/** The same foreground logit everywhere. */
const always =
  (logit: number): Predict =>
  async (window) =>
    new Float32Array(2 * window.length).fill(logit, window.length);

const withNetworks =
  (...networks: Predict[]) =>
  async (use: (predict: Predict) => Promise<void>) => {
    for (const network of networks) await use(network);
  };

function rough(shape: Shape3): Array3<Float32Array> {
  const length = shape[0] * shape[1] * shape[2];
  return { data: Float32Array.from({ length }, (_, i) => ((i * 37) % 23) / 7 - 1.5), shape };
}

// Expected: nnU-Net v1's _compute_steps_for_sliding_window.
test('windows are evenly spread, at most half a patch apart, the last at the end', () => {
  expect(windowStarts(97, 32, 0.5)).toEqual([0, 13, 26, 39, 52, 65]);
  expect(windowStarts(64, 64, 0.5)).toEqual([0]);
  expect(windowStarts(65, 64, 0.5)).toEqual([0, 1]);
  expect(windowStarts(130, 40, 0.5)).toEqual([0, 18, 36, 54, 72, 90]);
  expect(windowStarts(21, 8, 0.5)).toEqual([0, 3, 6, 10, 13]);
});

// Expected: scipy.ndimage.gaussian_filter of a point, sigma = length / 8, divided by its largest value.
test('weights are the Gaussian of nnU-Net importance map', () => {
  const expected = {
    8: [0.0003354626, 0.0111089965, 0.1353352832, 0.6065306597, 1, 0.6065306597, 0.1353352832, 0.0111089965],
    5: [0.005976022895, 0.27803730045, 1, 0.27803730045, 0.005976022895],
  };
  for (const [length, weights] of Object.entries(expected)) {
    for (const [i, weight] of gaussianWeights(Number(length)).entries())
      expect(weight).toBeCloseTo(weights[i] as number, 9);
  }
});

describe('the probability', () => {
  test('of a voxelwise network is that of each voxel, whatever the windows and mirrorings', async () => {
    const lengths = fc.integer({ min: 1, max: 11 });
    const patches = fc.integer({ min: 1, max: 6 });
    const axes = fc.subarray([0, 1, 2]);
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(lengths, lengths, lengths),
        fc.tuple(patches, patches, patches),
        axes,
        async (shape, patchSize, mirrorAxes) => {
          const image = rough(shape);
          const sliding = { patchSize, stepSize: 0.5, mirrorAxes };
          const { data } = await slideWindow(image, sliding, withNetworks(voxelwise));
          for (let i = 0; i < data.length; i++)
            expect(data[i]).toBeCloseTo(logistic(image.data[i] as number), 5);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is averaged over mirror images after the softmax', async () => {
    const image = rough([2, 2, 2]);
    const sliding = { patchSize: [2, 2, 2], stepSize: 0.5, mirrorAxes: [0, 2] } as const;
    const { data } = await slideWindow(image, sliding, withNetworks(corner));
    const lit = (3 * logistic(0) + logistic(2)) / 4;
    const expected = [lit, lit, 0.5, 0.5, lit, lit, 0.5, 0.5];
    for (const [i, value] of expected.entries()) expect(data[i], `voxel ${i}`).toBeCloseTo(value, 6);
  });

  test('where windows overlap leans to the one whose middle is nearer', async () => {
    // One window says yes, the other no; they meet in a line of 6 voxels seen by windows of 4.
    let windows = 0;
    const alternating: Predict = async (window) => {
      const logits = new Float32Array(2 * window.length).fill(0);
      logits.fill(windows++ === 0 ? 30 : -30, window.length);
      return logits;
    };
    const sliding = { patchSize: [1, 1, 4], stepSize: 0.5, mirrorAxes: [] } as const;
    const { data } = await slideWindow(rough([1, 1, 6]), sliding, withNetworks(alternating));
    const weights = gaussianWeights(4);
    const share = (i: number) =>
      (weights[i] as number) / ((weights[i] as number) + (weights[i - 2] as number));
    const expected = [1, 1, share(2), share(3), 0, 0];
    for (const [i, value] of expected.entries()) expect(data[i], `voxel ${i}`).toBeCloseTo(value, 6);
  });

  test('of several folds is their mean', async () => {
    const sliding = { patchSize: [2, 2, 2], stepSize: 0.5, mirrorAxes: [1] } as const;
    const { data } = await slideWindow(rough([3, 3, 3]), sliding, withNetworks(always(1), always(-2)));
    for (const value of data) expect(value).toBeCloseTo((logistic(1) + logistic(-2)) / 2, 6);
  });

  test('of an image thinner than the patch sees zeros around it', async () => {
    const windows: Float32Array[] = [];
    const recording: Predict = async (window) => {
      windows.push(window.slice());
      return voxelwise(window);
    };
    const sliding = { patchSize: [1, 1, 6], stepSize: 0.5, mirrorAxes: [2] } as const;
    const line = Float32Array.of(1, 2, 3);
    await slideWindow({ data: line, shape: [1, 1, 3] }, sliding, withNetworks(recording));
    // nnU-Net's pad_nd_image puts the odd one behind.
    expect(windows.map((window) => [...window])).toEqual([
      [0, 1, 2, 3, 0, 0],
      [0, 0, 3, 2, 1, 0],
    ]);
    windows.length = 0;
    const across = { patchSize: [1, 5, 1], stepSize: 0.5, mirrorAxes: [1] } as const;
    await slideWindow({ data: line, shape: [1, 3, 1] }, across, withNetworks(recording));
    expect(windows.map((window) => [...window])).toEqual([
      [0, 1, 2, 3, 0],
      [0, 3, 2, 1, 0],
    ]);
    windows.length = 0;
    await slideWindow(
      { data: line, shape: [1, 3, 1] },
      { ...across, patchSize: [1, 4, 1] },
      withNetworks(recording),
    );
    expect(windows.map((window) => [...window])).toEqual([
      [1, 2, 3, 0],
      [0, 3, 2, 1],
    ]);
  });
});

describe('the forward passes', () => {
  const sliding = { patchSize: [4, 4, 4], stepSize: 0.5, mirrorAxes: [0, 1, 2] } as const;

  test('are as many as announced', async () => {
    const shape = [9, 4, 3] as const;
    let forwards = 0;
    await slideWindow(rough(shape), sliding, withNetworks(voxelwise), { onForward: () => forwards++ });
    expect(forwards).toBe(4 * 8);
    expect(countForwards(shape, sliding)).toBe(forwards);
  });

  test('end with the signal reason when aborted', async () => {
    const stopping = new AbortController();
    let forwards = 0;
    const onForward = () => {
      if (++forwards === 3) stopping.abort(new Error('enough'));
    };
    const options = { onForward, signal: stopping.signal };
    await expect(slideWindow(rough([9, 9, 9]), sliding, withNetworks(voxelwise), options)).rejects.toThrow(
      'enough',
    );
    expect(forwards).toBe(3);
  });
});
