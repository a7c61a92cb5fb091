import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importModel } from '../../src/segmentation/checkpoint-import/import-model.ts';
import type { ModelInfo } from '../../src/segmentation/model/model-info.ts';
import { type SyntheticNetwork, writeSyntheticTraining } from '../../test/support/synthetic-training.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../../test/support/tiny-onnx.ts';

const PATCH_SIZE: ModelInfo['patchSize'] = [4, 8, 8];

/** As small as the importer takes it, with a transformer. */
const NETWORK: SyntheticNetwork = {
  task: 'Task109_Pancreas',
  features: [2, 2],
  pools: [[1, 2, 2]],
  kernels: [
    [1, 3, 3],
    [3, 3, 3],
  ],
  patchSize: [4, 8, 8],
  attention: { dims: 8, layers: 1 },
};

/** The models that the studies are segmented with, and one that the importer makes of a tiny checkpoint. */
export async function writeKeptModels(folder: string): Promise<void> {
  // The grid of the kept studies, so that nothing is resampled.
  const info: ModelInfo = { ...SIGN_MODEL, patchSize: PATCH_SIZE, spacing: [2, 13, 13] };
  const network = { 'fold_0.onnx': signNetwork(PATCH_SIZE) };
  await writeModel(folder, { ...info, name: 'small-ct' }, network);
  await writeModel(folder, { ...info, name: 'small-t2w', modality: 'T2W' }, network);
  const training = await mkdtemp(path.join(tmpdir(), 'training-'));
  try {
    await importModel({
      source: await writeSyntheticTraining(training, NETWORK),
      name: 'imported',
      modality: 'CT',
      output: path.join(folder, 'imported'),
      title: 'PanSegNet CT',
      notice: 'random weights, not for patients',
      orientation: 'LPS',
    });
  } finally {
    await rm(training, { recursive: true });
  }
}
