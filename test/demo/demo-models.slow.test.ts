import { describe, expect, test } from 'vitest';
import { DEMO_NOTICE } from '../../src/demo/demo-models.ts';
import { scorePhantom } from '../../src/demo/phantom-score.ts';
import { loadModel } from '../../src/segmentation/model/model-folder.ts';
import { DEMO_MODELS } from '../support/demo-models.ts';

/**
 * Not among the seeds of training and validation, nor a patient of the demo. tools/evaluate-demo-models.ts
 * takes ten.
 */
const UNSEEN_SEED = 3001;

describe('the demo models on an abdomen that training never saw', () => {
  test.each(['CT', 'T1W', 'T2W'] as const)('find the pancreas in %s', async (contrast) => {
    const model = await loadModel(`demo-${contrast.toLowerCase()}`, [DEMO_MODELS]);
    expect(model.info.notice).toBe(DEMO_NOTICE);
    const { dice, volumeMl, trueVolumeMl } = await scorePhantom(model, contrast, UNSEEN_SEED);
    expect(dice).toBeGreaterThan(0.85);
    expect(Math.abs(volumeMl / trueVolumeMl - 1)).toBeLessThan(0.1);
  });
});
