import type { ModelInfo } from '../../src/segmentation/model/model-info.ts';
import { SIGN_MODEL, signNetwork, writeModel } from './tiny-onnx.ts';

const PATCH_SIZE: ModelInfo['patchSize'] = [4, 8, 8];

/**
 * Writes the smallest models for CT and T2W to a folder; gives the section of the configuration that names
 * them.
 */
export async function writeSmallModels(folder: string): Promise<Readonly<Record<string, string>>> {
  const info = { ...SIGN_MODEL, patchSize: PATCH_SIZE };
  const network = { 'fold_0.onnx': signNetwork(PATCH_SIZE) };
  await writeModel(folder, { ...info, name: 'small-ct' }, network);
  await writeModel(folder, { ...info, name: 'small-t2w', modality: 'T2W' }, network);
  return { folder, CT: 'small-ct', T2W: 'small-t2w' };
}
