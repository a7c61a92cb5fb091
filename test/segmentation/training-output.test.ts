import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadModel } from '../../src/segmentation/model/model-folder.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'training-'));
  for (const file of [
    'v1/fold_0/model_final_checkpoint.model',
    'v2/Dataset1/t__p__3d/fold_0/checkpoint_final.pth',
  ]) {
    await mkdir(path.join(root, path.dirname(file)), { recursive: true });
    await writeFile(path.join(root, file), '');
  }
});
afterAll(() => rm(root, { recursive: true }));

it.each([
  ['v1', /is no model but training output of nnU-Net v1 \(.*\): import it first/],
  ['v2', /is no model but training output of nnU-Net v2 \(.*checkpoint_final\.pth\): import it first/],
])("a training's output that is given for a model is named as what it is: %s", async (name, words) => {
  const refusal = { code: 'MODEL_MISSING', message: expect.stringMatching(words) };
  await expect(loadModel(path.join(root, name))).rejects.toMatchObject(refusal);
  await expect(loadModel(name, [root])).rejects.toMatchObject(refusal);
});
