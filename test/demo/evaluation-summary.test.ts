import { describe, expect, it } from 'vitest';
import type { ScanScore } from '../../src/demo/scan-score.ts';
import { formatSummaries, summarize } from '../../tools/evaluation-summary.ts';

function score(trueVolumeMl: number, volumeMl: number, changes: Partial<ScanScore> = {}): ScanScore {
  return {
    seed: 1,
    visit: 0,
    sliceMm: 3,
    dice: 0.9,
    volumeMl,
    trueVolumeMl,
    intervalMl: { low: 0.9 * volumeMl, high: 1.1 * volumeMl },
    softmaxRangeMl: { low: 0.95 * volumeMl, high: 1.05 * volumeMl },
    mode: 'exact',
    diceToFirst: 1,
    forwards: 48,
    components: 1,
    seconds: 1,
    ...changes,
  };
}

describe('the summary of an evaluation', () => {
  it('tells a slope below 1 where volumes are drawn towards the mean, though the bias is small', () => {
    const drawn = [30, 60, 90, 120, 150].map((truth) => score(truth, 90 + 0.8 * (truth - 90)));
    const { slope, errorPercent } = summarize(drawn, []);
    expect(slope).toBeCloseTo(0.8, 6);
    expect(errorPercent).toBeGreaterThan(10);
  });

  it('gives the bias as the mean of relative errors, with its sign', () => {
    const { biasPercent, errorPercent } = summarize([score(100, 90), score(50, 52)], []);
    expect(biasPercent).toBeCloseTo(-3, 6);
    expect(errorPercent).toBeCloseTo(7, 6);
  });

  it('takes the mean and the lowest Dice', () => {
    const { diceMean, diceLowest } = summarize(
      [score(50, 50, { dice: 0.7 }), score(60, 60, { dice: 0.9 })],
      [],
    );
    expect(diceMean).toBeCloseTo(0.8, 6);
    expect(diceLowest).toBe(0.7);
  });

  it('compares changes in points, so that an error that both scans share cancels', () => {
    const shared = { first: score(100, 90), second: score(80, 72) };
    const own = { first: score(100, 100), second: score(80, 84) };
    const summary = summarize([score(100, 90), score(80, 72)], [shared, own]);
    expect(summary.changeError).toBeCloseTo(2, 6);
    expect(summary.changeLargest).toBeCloseTo(4, 6);
    expect(summary.changeBias).toBeCloseTo(2, 6);
  });

  it('counts the true volumes inside the interval, and the median of half its width', () => {
    const outside = score(100, 80);
    const summary = summarize([score(100, 100), score(50, 50), outside], []);
    expect(summary.coveragePercent).toBeCloseTo(200 / 3, 6);
    expect(summary.halfWidthPercent).toBeCloseTo(10, 6);
  });

  it('counts the boundaries that are called uncertain, of all cases and of those that went wrong', () => {
    const wide = { low: 50, high: 150, isWide: true };
    const cases = [score(100, 100), score(50, 50), score(60, 60, { intervalMl: wide })];
    const wrong = [score(90, 60, { dice: 0.8, intervalMl: wide }), score(91, 60, { dice: 0.8 })];
    expect(summarize(cases, [])).toMatchObject({ wide: 1, poor: 0, poorAndWide: 0 });
    expect(summarize([...cases, ...wrong], [])).toMatchObject({ wide: 2, poor: 2, poorAndWide: 1 });
  });

  it('prints a line for each class under one heading', () => {
    const lines = formatSummaries({ CT: summarize([score(100, 90), score(50, 52)], []) }).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/^CT {2,}2 +0\.900 +0\.900 +-3\.0/);
  });
});
