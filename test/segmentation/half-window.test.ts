import { describe, expect, test } from 'vitest';
import type { Shape3 } from '../../src/segmentation/array3.ts';
import { halfGaussian } from '../../src/segmentation/inference/gaussian.ts';
import { slideLogits } from '../../src/segmentation/inference/half-window.ts';
import type { Predict } from '../../src/segmentation/inference/window.ts';

/** 2^-24: the smallest number of half precision. */
const SMALLEST = 2 ** -24;

describe("nnU-Net v2's Gaussian", () => {
  test('has a maximum of 10, and what half precision makes 0 has the smallest other weight', () => {
    const patch: Shape3 = [28, 64, 64];
    const weights = halfGaussian(patch);
    expect(weights[(14 * 64 + 32) * 64 + 32]).toBe(10);
    expect(Math.max(...weights.subarray(0, 64))).toBeLessThan(10);
    // exp(-0.5 4^2 3) of the maximum is nothing in half precision.
    expect(weights[0]).toBe(SMALLEST);
    expect(weights.indexOf(0)).toBe(-1);
  });
});

describe('adding up windows in half precision', () => {
  const patchSize: Shape3 = [8, 8, 8];
  const voxels = 8 ** 3;
  const sliding = { patchSize, stepSize: 0.5, mirrorAxes: [] };
  const image = (shape: Shape3) => ({
    data: new Float32Array(shape[0] * shape[1] * shape[2]).fill(1),
    shape,
  });
  const run = (shape: Shape3, predicts: readonly Predict[], mirrorAxes: readonly number[] = []) =>
    slideLogits(image(shape), { ...sliding, mirrorAxes }, 2, async (use) => {
      for (const predict of predicts) await use(predict);
    });
  const constant =
    (background: number, foreground: number): Predict =>
    async () =>
      new Float32Array(2 * voxels).fill(background, 0, voxels).fill(foreground, voxels);

  test('gives back what half precision holds, and coarse steps where only a corner reaches', async () => {
    const { data } = await run([8, 8, 12], [constant(-1.5, 0.3)]);
    const own = 8 * 8 * 12;
    const middle = (4 * 8 + 4) * 12 + 6;
    expect(data[middle]).toBeCloseTo(-1.5, 2);
    expect(data[own + middle]).toBeCloseTo(0.3, 3);
    // The weight there is a few times the smallest number, and so is what is added up.
    const steps = (halfGaussian(patchSize)[0] ?? 0) / SMALLEST;
    expect(steps).toBeLessThan(10);
    expect(data[own]).toBe(Math.f16round(Math.round(0.3 * steps) / steps));
    expect(data[own]).not.toBeCloseTo(0.3, 2);
  });

  test('averages networks in half precision', async () => {
    const predicts = [constant(0, 1), constant(0, 2), constant(0, 4)];
    const { data } = await run([8, 8, 8], predicts);
    expect(data[voxels + (4 * 8 + 4) * 8 + 4]).toBe(Math.f16round(7 / 3));
  });

  test('averages mirror images along the axes of the model alone, each turned back', async () => {
    const seen: number[] = [];
    const places = image([8, 8, 8]);
    places.data.forEach((_, i) => (places.data[i] = i));
    const predict: Predict = async (window) => {
      seen.push(window[0] as number);
      const logits = new Float32Array(2 * voxels);
      logits.set(window, voxels);
      return logits;
    };
    const { data } = await slideLogits(places, { ...sliding, mirrorAxes: [0, 2] }, 2, (use) => use(predict));
    // As it is, along axis 0, along axis 2, along both.
    expect(seen).toEqual([0, 7 * 64, 7, 7 * 64 + 7]);
    const middle = (4 * 8 + 4) * 8 + 4;
    expect(data[voxels + middle]).toBeCloseTo(middle, 0);
  });

  test('is refused where logits are too large, as the original refuses them', async () => {
    await expect(run([8, 8, 8], [constant(0, 1e5)])).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
  });
});
