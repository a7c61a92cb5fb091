import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readNifti } from '../../src/nifti/read-nifti.ts';
import { exportLogits } from '../../src/segmentation/exporting/logits-export.ts';
import { type HalfLogits, slideLogits } from '../../src/segmentation/inference/half-window.ts';
import { openNetwork } from '../../src/segmentation/inference/network.ts';
import { networksOf } from '../../src/segmentation/inference/networks.ts';
import type { Model } from '../../src/segmentation/model/model-folder.ts';
import { classesOf } from '../../src/segmentation/model/model-info.ts';
import { preprocess } from '../../src/segmentation/preprocessing/preprocess.ts';
import { readNpy } from '../support/npy.ts';
import { importReference, type ReferenceModel, referenceFile, V2_CASES } from '../support/reference-v2.ts';
import { describeWith } from '../support/requires.ts';
import { largestDifference } from '../support/synthetic-network.ts';
import { isWhole } from '../support/whole.ts';

/** Whose sliding window takes minutes: otherwise the original's logits stand for it. */
const LONG = ['ct_old_transposed', 'ct_old_transposed_septz'];

/** Single precision makes 2e-5 of the largest of these logits. */
const NETWORK_TOLERANCE = 1e-4;
const PREPROCESSING_TOLERANCE = 1e-5;
/** Voxels whose labels may be others: none but where two classes come as near as the networks' rounding. */
const MOST_DIFFERENT = 1e-4;

let folder: string;
const models = new Map<ReferenceModel, Model>();
const modelOf = (model: ReferenceModel): Model => models.get(model) as Model;

describeWith(['shared'], "nnU-Net v2's reference runs", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'v2-parity-'));
    for (const { model } of V2_CASES)
      if (!models.has(model)) models.set(model, await importReference(model, folder));
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(V2_CASES)("the bare network gives the original's logits: $name", async ({ name, model }) => {
    const { info, networks } = modelOf(model);
    const window = await readNpy(referenceFile(name, 'patch_in.npy'));
    for (const [fold, file] of networks.entries()) {
      const logits = networks.length > 1 ? `patch_logits_fold${fold}.npy` : 'patch_logits.npy';
      const expected = await readNpy(referenceFile(name, logits));
      const network = await openNetwork(file, info.patchSize, 2, { classes: classesOf(info) });
      const found = await network.predict(window.data);
      await network.release();
      expect(largestDifference(found, expected.data)).toBeLessThan(NETWORK_TOLERANCE);
    }
  });

  test.each(V2_CASES)('every label of every voxel is the original: $name', async ({ name, model }) => {
    const { info, networks } = modelOf(model);
    const { volume } = await readNifti(referenceFile(name, 'image.nii.gz'));
    const { image, properties } = preprocess(volume, info);
    const expected = await readNpy(referenceFile(name, 'preprocessed.npy'));
    expect(image.shape).toEqual(expected.shape.slice(1));
    expect(largestDifference(image.data, expected.data)).toBeLessThan(PREPROCESSING_TOLERANCE);

    const reference = (await readNifti(referenceFile(name, 'segmentation.nii.gz'))).volume;
    /** Voxels times labels that are others than the original's. */
    const different = (found: HalfLogits) => {
      let count = 0;
      for (let label = 1; label < classesOf(info); label++) {
        const settings = info.nnunetV2 && { ...info.nnunetV2, pancreas: label };
        const { mask } = exportLogits(found, properties, { ...info, nnunetV2: settings }, false);
        for (let i = 0; i < mask.length; i++)
          if ((mask[i] === 1) !== (reference.voxels[i] === label)) count++;
      }
      return count;
    };
    const originals = await readNpy(referenceFile(name, 'logits.npy'));
    const { shape } = image;
    // The networks' rounding apart, nothing is left to chance.
    expect(different({ data: Float16Array.from(originals.data), classes: classesOf(info), shape })).toBe(0);
    if (!isWhole && LONG.includes(name)) return;
    await using held = networksOf(
      networks.map((file) => () => openNetwork(file, info.patchSize, 2, { classes: classesOf(info) })),
    );
    const sliding = { patchSize: info.patchSize, ...info.inference };
    const logits = await slideLogits(image, sliding, classesOf(info), held.each);
    expect(different(logits)).toBeLessThanOrEqual(MOST_DIFFERENT * reference.voxels.length);
  });
});
