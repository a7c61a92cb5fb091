import { describe, expect, test } from 'vitest';
import { meanAndSd, normalize } from '../../src/segmentation/preprocessing/normalize.ts';
import { preprocess } from '../../src/segmentation/preprocessing/preprocess.ts';
import { readNifti, readNpy } from '../support/npy.ts';
import { REFERENCE_CASES } from '../support/reference-cases.ts';
import { describeWith, shared } from '../support/requires.ts';
import { SIGN_MODEL } from '../support/tiny-onnx.ts';

describeWith(['shared'], 'preprocessing of the reference cases', () => {
  test.each(REFERENCE_CASES)('$name is as nnU-Net v1 computed it', async ({ name, info }) => {
    const volume = await readNifti(shared('reference/cases', name, 'image.nii.gz'));
    const expected = await readNpy(shared('reference/cases', name, 'preprocessed.npy'));
    const { image } = preprocess(volume, info);
    expect([1, ...image.shape]).toEqual(expected.shape);
    let worst = 0;
    for (let i = 0; i < image.data.length; i++) {
      worst = Math.max(worst, Math.abs((image.data[i] as number) - (expected.data[i] as number)));
    }
    // float32 all the way instead of the original's float64 in between.
    expect(worst).toBeLessThan(1e-5);
  });
});

describe('normalization', () => {
  test('of CT clips to the percentiles, then takes the training data z-score', () => {
    const voxels = Float32Array.of(-1000, 40, 60, 3000);
    const scheme = { scheme: 'CT', mean: 50, sd: 20, percentile_00_5: 0, percentile_99_5: 100 } as const;
    normalize(voxels, { ...scheme, useMaskForNorm: false });
    expect([...voxels]).toEqual([-2.5, -0.5, 0.5, 2.5]);
  });

  test('by z-score leaves mean 0 and standard deviation 1', () => {
    const voxels = Float32Array.of(1, 2, 3, 10);
    normalize(voxels, { scheme: 'zscore', useMaskForNorm: false });
    const { mean, sd } = meanAndSd(voxels);
    expect(mean).toBeCloseTo(0, 6);
    expect(sd).toBeCloseTo(1, 6);
  });

  test('by masked z-score counts the inside only and sets the outside to 0', () => {
    const voxels = Float32Array.of(4, 6, 900, -900);
    normalize(voxels, { scheme: 'zscore', useMaskForNorm: true }, Uint8Array.of(1, 1, 0, 0));
    expect([...voxels]).toEqual([-1, 1, 0, 0]);
  });

  test('of an even image gives zeros, not NaN', () => {
    const voxels = new Float32Array(8).fill(7);
    normalize(voxels, { scheme: 'zscore', useMaskForNorm: false });
    expect([...voxels]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

test('the spacing is that of the turned and transposed axes', () => {
  // x runs from head to foot, so that the network's z has 1 mm.
  const volume = {
    voxels: new Int16Array(8 * 6 * 4).fill(1),
    size: [8, 6, 4],
    affine: [0, 2, 0, 0, 0, 0, 3, 0, -1, 0, 0, 0, 0, 0, 0, 1],
  } as const;
  const { image, properties } = preprocess(volume, { ...SIGN_MODEL, spacing: [1, 1, 1] });
  expect(properties.originalSpacing).toEqual([1, 3, 2]);
  expect(image.shape).toEqual([8, 12, 12]);
  const transposed = preprocess(volume, { ...SIGN_MODEL, transposeForward: [1, 2, 0], spacing: [3, 2, 1] });
  expect(transposed.image.shape).toEqual([4, 6, 8]);
});

test('a volume that vanishes on the model grid is refused', () => {
  const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.4, 0, 0, 0, 0, 1];
  const slice = { voxels: new Int16Array(16).fill(1), size: [4, 4, 1], affine } as const;
  expect(() => preprocess(slice, { ...SIGN_MODEL, spacing: [2, 1, 1] })).toThrow(
    expect.objectContaining({ code: 'VOLUME_UNUSABLE', message: expect.stringContaining('1 x 0.4 mm') }),
  );
});
