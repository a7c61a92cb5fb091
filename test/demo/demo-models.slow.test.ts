import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEMO_NOTICE, importDemoModels } from '../../src/demo/demo-models.ts';
import { scoreScan } from '../../src/demo/scan-score.ts';
import { loadModel } from '../../src/segmentation/model/model-folder.ts';
import { DEMO_MODELS } from '../support/demo-models.ts';

/**
 * Not among the seeds of training, validation and calibration, nor a patient of the demo.
 * tools/evaluate-demo-models.ts takes thirty.
 */
const UNSEEN_SEED = 50_001;

describe('the demo models on an abdomen that training never saw', () => {
  test.each(['CT', 'T1W', 'T2W'] as const)('find the pancreas in %s', async (contrast) => {
    const model = await loadModel(`demo-${contrast.toLowerCase()}`, [DEMO_MODELS]);
    expect(model.info.notice).toBe(DEMO_NOTICE);
    const [score] = await scoreScan(model, contrast, UNSEEN_SEED, { modes: ['fast'] });
    if (!score) throw new Error('one mode gives one score');
    const { dice, volumeMl, trueVolumeMl, intervalMl } = score;
    expect(dice).toBeGreaterThan(0.88);
    // Calibrated: the softmax's own range would be some 25 % to either side.
    expect(intervalMl.high - intervalMl.low).toBeLessThan(0.3 * volumeMl);
    expect(Math.abs(volumeMl / trueVolumeMl - 1)).toBeLessThan(0.15);
  });
});

test('the demo models are imported once, and again where their networks are others', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'demo-models-'));
  const trainings = path.join(folder, 'trainings');
  await cp(path.resolve(import.meta.dirname, '../../models/demo-src'), trainings, { recursive: true });
  const imported = async (): Promise<string[]> => {
    const names: string[] = [];
    await importDemoModels(folder, { trainings, onImport: (name) => void names.push(name) });
    return names;
  };
  expect(await imported()).toEqual(['demo-ct', 'demo-t1w', 'demo-t2w']);
  expect(await imported()).toEqual([]);
  const trainer = 'nnTransUNetTrainerV2__nnUNetPlansv2.1';
  const [t1w = '', t2w = ''] = ['Task902_DemoT1', 'Task903_DemoT2'].map((task) =>
    path.join(trainings, task, trainer),
  );
  await cp(path.join(t2w, 'fold_0'), path.join(t1w, 'fold_0'), { recursive: true });
  await rm(path.join(t1w, 'calibration.fast.json'));
  expect(await imported()).toEqual(['demo-t1w']);
  await rm(folder, { recursive: true });
});
