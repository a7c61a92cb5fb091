import { describe, expect, test } from 'vitest';
import { readView, transposed, viewOf } from '../../src/segmentation/array-view.ts';
import { permuted, type Shape3 } from '../../src/segmentation/array3.ts';
import { exportSegmentation } from '../../src/segmentation/exporting/segmentation-export.ts';
import { preprocess } from '../../src/segmentation/preprocessing/preprocess.ts';
import { readNifti, readNpz } from '../support/npy.ts';
import { REFERENCE_CASES } from '../support/reference-cases.ts';
import { describeWith, shared } from '../support/requires.ts';
import { SIGN_MODEL } from '../support/tiny-onnx.ts';

describeWith(['shared'], 'the export of the reference cases', () => {
  test.each(REFERENCE_CASES)(
    '$name gives the mask of nnU-Net v1, cropping undone',
    async ({ name, info }) => {
      const folder = (file: string) => shared('reference/cases', name, file);
      const volume = await readNifti(folder('image.nii.gz'));
      const { properties } = preprocess(volume, info);
      const softmax = await readNpz(folder('softmax_float16.npz'), 'softmax');
      const voxels = softmax.data.length / 2;
      const [, n0 = 0, n1 = 0, n2 = 0] = softmax.shape;
      const shape: Shape3 = [n0, n1, n2];
      expect(properties.cropped.shape).toEqual(permuted(shape, info.transposeForward));
      // The reference's softmax is already resampled and untransposed: the rest of the way is checked here.
      const asStored = { axes: [0, 1, 2], flipped: [false, false, false] } as const;
      const view = viewOf(shape, { start: [0, 0, 0], shape }, transposed(asStored, info.transposeForward));
      const foreground = { data: readView(softmax.data.subarray(voxels), view), shape: view.shape };
      const expectations = [
        ['segmentation.nii.gz', false],
        ['segmentation_largest_component.nii.gz', true],
      ] as const;
      for (const [file, keepLargestComponent] of expectations) {
        const postprocessing = { keepLargestComponent };
        const { mask, probability } = exportSegmentation(
          foreground,
          properties,
          { ...info, postprocessing },
          true,
        );
        const expected = (await readNifti(folder(file))).voxels;
        let compared = 0;
        const wrong: number[] = [];
        for (let i = 0; i < mask.length; i++) {
          // float16 rounds to one half what lay on either side of it.
          if (probability?.[i] === 0.5) continue;
          compared++;
          if (mask[i] !== expected[i]) wrong.push(i);
        }
        expect(wrong, `wrong voxels in ${file}`).toEqual([]);
        expect(compared).toBeGreaterThan(0.999 * mask.length);
      }
    },
  );
});

describe('the export', () => {
  /** Zero but for a block, so that it is cropped; sagittal, so that it is turned. */
  const size = [6, 8, 5] as const;
  const voxels = new Int16Array(6 * 8 * 5);
  for (let z = 1; z < 5; z++)
    for (let y = 2; y < 8; y++) for (let x = 0; x < 4; x++) voxels[x + 6 * (y + 8 * z)] = 10;
  const volume = { voxels, size, affine: [0, 0, 2, 0, 2, 0, 0, 0, 0, -3, 0, 0, 0, 0, 0, 1] } as const;
  const info = { ...SIGN_MODEL, spacing: [3, 2, 2] as [number, number, number] };

  test('puts each voxel back where it came from: turned, transposed and cropped', () => {
    for (const transposeForward of [
      [0, 1, 2],
      [2, 0, 1],
    ] as const) {
      const model = { ...info, transposeForward: [...transposeForward] as [0, 1, 2] };
      const spacing = transposeForward[0] === 0 ? ([3, 2, 2] as const) : ([2, 3, 2] as const);
      const marked = { ...volume, voxels: voxels.slice() };
      // One voxel stands out in the block; the model's mean is 50.
      marked.voxels[2 + 6 * (3 + 8 * 4)] = 90;
      const { image, properties } = preprocess(marked, { ...model, spacing: [...spacing] });
      const probability = { data: image.data.map((value) => (value > 0 ? 0.9 : 0.1)), shape: image.shape };
      const exported = exportSegmentation(probability, properties, { ...model, spacing: [...spacing] }, true);
      expect([...exported.mask.entries()].filter(([, value]) => value === 1)).toEqual([
        [2 + 6 * (3 + 8 * 4), 1],
      ]);
      expect(exported.probability?.[2 + 6 * (3 + 8 * 4)]).toBeCloseTo(0.9, 6);
      // Outside the crop nothing was predicted.
      expect(exported.probability?.[0]).toBe(0);
    }
  });

  test('gives a tie to the background, and the probability only when asked', () => {
    const { image, properties } = preprocess(volume, info);
    const even = { data: new Float32Array(image.data.length).fill(0.5), shape: image.shape };
    const exported = exportSegmentation(even, properties, info, false);
    expect(exported.mask.includes(1)).toBe(false);
    expect(exported.probability).toBeUndefined();
  });

  test('takes the separate axis from untransposed spacing and transposed target, as the original does', () => {
    // The volume's spacing is even; the network's first axis is coarse. Along the first axis of the
    // untransposed array (the volume's z) slices are therefore repeated, not blended.
    const even = { ...volume, affine: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] };
    const model = {
      ...info,
      transposeForward: [2, 0, 1] as [2, 0, 1],
      spacing: [8, 4, 2] as [number, number, number],
    };
    const { image, properties } = preprocess(even, model);
    expect(image.shape).toEqual([1, 2, 6]);
    const probability = {
      data: Float32Array.from({ length: 12 }, (_, i) => (i < 6 ? 0 : 1)),
      shape: image.shape,
    };
    const exported = exportSegmentation(probability, properties, model, true);
    expect(new Set(exported.probability)).toEqual(new Set([0, 1]));
  });
});
