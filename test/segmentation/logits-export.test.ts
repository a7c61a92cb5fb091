import { describe, expect, test } from 'vitest';
import type { Volume } from '../../src/dicom/volume.ts';
import { exportLogits } from '../../src/segmentation/exporting/logits-export.ts';
import type { ModelInfo } from '../../src/segmentation/model/model-info.ts';
import { preprocess } from '../../src/segmentation/preprocessing/preprocess.ts';
import type { Resampling } from '../../src/segmentation/resampling/resampling.ts';
import { SIGN_MODEL } from '../support/tiny-onnx.ts';

const LINEAR: Resampling = { order: 1, orderZ: 0, forceSeparateZ: null };

const modelOf = (pancreas: number, logits: Resampling = LINEAR): ModelInfo => ({
  ...SIGN_MODEL,
  format: 2,
  architecture: 'PlainConvUNet',
  orientation: 'as-stored',
  nnunetV2: {
    labels: ['background', 'duodenum', 'pancreas'],
    pancreas,
    resampling: { data: { ...LINEAR, order: 3 }, logits },
  },
});

/** A row of voxels along x, 1 mm apart, or `dx`. */
const rowOf = (length: number, dx = 1): Volume => ({
  voxels: new Int16Array(length).fill(1),
  size: [length, 1, 1],
  affine: [dx, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1],
});

/** Logits of a row for each class. */
const logitsOf = (...classes: readonly (readonly number[])[]) => ({
  data: Float16Array.from(classes.flat()),
  classes: classes.length,
  shape: [1, 1, classes[0]?.length ?? 0] as const,
});

const exported = (logits: ReturnType<typeof logitsOf>, info: ModelInfo, length = logits.shape[2], dx = 1) =>
  exportLogits(logits, preprocess(rowOf(length, dx), info).properties, info, true);

describe('labels out of logits', () => {
  const logits = logitsOf([0, 3, 1, 1, 5], [0, 3, 2, 1, 5], [0, 1, 3, 2, 5]);

  test('are of the largest, and the first of equal ones wins', () => {
    expect([...exported(logits, modelOf(2)).mask]).toEqual([0, 0, 1, 1, 0]);
    expect([...exported(logits, modelOf(1)).mask]).toEqual([0, 0, 0, 0, 0]);
    const less = logitsOf([0, 2], [1, 2], [1, 2]);
    expect([...exported(less, modelOf(1)).mask]).toEqual([1, 0]);
  });

  test('go with a probability and a soft mask that lie above one half where the label is', () => {
    const close = logitsOf([0, 0, 0], [2, 2, 0], [2.01, 1.99, 3]);
    const { mask, probability, softMask } = exported(close, modelOf(2));
    expect([...mask]).toEqual([1, 0, 1]);
    expect(probability?.map((value) => (value > 0.5 ? 1 : 0))).toEqual(Float32Array.from(mask));
    expect(softMask[0]).toBeGreaterThanOrEqual(128);
    expect(softMask[1]).toBeLessThan(128);
    expect(probability?.[2]).toBeCloseTo(1 / (1 + Math.exp(-3)), 6);
  });

  test('are taken after logits were resampled and rounded to half', () => {
    // Between 1 and 2 half precision has steps of 2^-10: an eighth of one is none, and a tie.
    const step = 2 ** -10;
    const fine = logitsOf([1, 1], [0, 0], [1, 1 + step]);
    const [first, ...others] = exported(fine, modelOf(2), 4, 0.5).mask;
    expect([first, ...others]).toEqual([0, 0, 1, 1]);
  });
});

describe('resampling of logits', () => {
  const steps = logitsOf([0, 0, 0, 0], [-9, -9, -9, -9], [-4, 4, -4, 4]);
  test.each<[Resampling, readonly number[]]>([
    [LINEAR, [0, 0, 1, 1, 0, 0, 1, 1]],
    [{ ...LINEAR, order: 0 }, [0, 0, 1, 1, 0, 0, 1, 1]],
    [{ ...LINEAR, order: 3, forceSeparateZ: false }, [0, 0, 1, 1, 0, 0, 1, 1]],
  ])('follows the arguments of the plans: %j', (resampling, expected) => {
    expect([...exported(steps, modelOf(2, resampling), 8, 0.5).mask]).toEqual(expected);
  });
});
