import { describe, expect, test } from 'vitest';
import { DEMO_NOTICE } from '../../src/demo/demo-models.ts';
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
