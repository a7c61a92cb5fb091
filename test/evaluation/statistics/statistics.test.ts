import { describe, expect, it } from 'vitest';
import { blandAltman } from '../../../src/evaluation/statistics/bland-altman.ts';
import { correlationOf } from '../../../src/evaluation/statistics/correlation.ts';
import { describe as described } from '../../../src/evaluation/statistics/describe.ts';
import {
  chiSquaredCdf,
  quantileOfChiSquared,
  quantileOfNormal,
  quantileOfT,
  upperTailOfF,
  upperTailOfNormal,
  upperTailOfT,
} from '../../../src/evaluation/statistics/distributions.ts';
import { icc21 } from '../../../src/evaluation/statistics/icc.ts';
import { pairedTests, wilcoxon } from '../../../src/evaluation/statistics/paired-tests.ts';
import { repeatability } from '../../../src/evaluation/statistics/repeatability.ts';
import { differences, EVALUATION_FIXTURES } from '../../support/evaluation-fixtures.ts';

const { samples, iccs, repeats, distributions } = EVALUATION_FIXTURES;
/** Of the value itself, so that thin tails count too. */
const relative = (found: number, expected: number) => Math.abs(found / expected - 1);

describe('distributions', () => {
  it("are SciPy's to 1e-11 of the value, in thin tails too", () => {
    for (const [t, df, tail] of distributions.t)
      expect(relative(upperTailOfT(t, df), tail), `t ${t}, ${df}`).toBeLessThan(1e-11);
    for (const [f, a, b, tail] of distributions.f)
      expect(relative(upperTailOfF(f, a, b), tail), `F ${f}, ${a}, ${b}`).toBeLessThan(1e-11);
    for (const [x, df, share] of distributions.chiSquared)
      expect(Math.abs(chiSquaredCdf(x, df) - share), `chi2 ${x}, ${df}`).toBeLessThan(1e-11);
    for (const [z, tail] of distributions.normal)
      expect(relative(upperTailOfNormal(z), tail), `z ${z}`).toBeLessThan(1e-11);
  });

  it('are met by their quantiles', () => {
    expect(quantileOfNormal(0.025)).toBeCloseTo(1.959963984540054, 12);
    expect(quantileOfT(0.025, 1)).toBeCloseTo(12.706204736174698, 10);
    expect(quantileOfChiSquared(0.025, 2)).toBeCloseTo(-2 * Math.log(0.975), 12);
  });
});

describe.each(samples.map((sample) => [sample.x.length, sample] as const))(
  'of %i pairs, to 1e-9',
  (_, { x, y, ...expected }) => {
    it("mean, SD and quartiles are NumPy's", () => {
      expect(differences(described(x), expected.describe, 1e-9)).toEqual([]);
    });
    it("both R2, Pearson's r and the concordance are SciPy's and scikit-learn's", () => {
      expect(differences(correlationOf({ predicted: x, labelled: y }), expected.correlation, 1e-9)).toEqual(
        [],
      );
    });
    it('bias and limits of agreement with their intervals are right', () => {
      expect(differences(blandAltman({ predicted: x, labelled: y }), expected.blandAltman, 1e-9)).toEqual([]);
    });
    it("the paired t-test is SciPy's, the effect sizes are right", () => {
      expect(differences(pairedTests(x, y), expected.paired, 1e-9)).toEqual([]);
    });
    it("Wilcoxon's test is SciPy's, exact and approximate", () => {
      expect(differences(pairedTests(x, y)?.wilcoxon, expected.wilcoxon, 1e-9)).toEqual([]);
    });
  },
);

describe('ICC(2,1)', () => {
  it.each(iccs)("is pingouin's with its interval, to 1e-9", ({ ratings, expected }) => {
    expect(differences(icc21(ratings), expected, 1e-9)).toEqual([]);
  });

  it("of Shrout and Fleiss's example is 0.29, as they print it", () => {
    expect(icc21(iccs.at(-1)?.ratings ?? [])?.icc).toBeCloseTo(0.29, 2);
  });

  it('of raters that agree wholly is 1', () => {
    const found = icc21([
      [1, 1],
      [2, 2],
      [5, 5],
    ]);
    expect(found).toMatchObject({ icc: 1, p: 0, interval: { low: 1, high: 1 } });
  });
});

describe('the repeatability coefficient', () => {
  it.each(repeats)('is right to 1e-9, absolute and relative, with its interval', ({ subjects, expected }) => {
    expect(differences(repeatability(subjects), expected, 1e-9)).toEqual([]);
  });

  it('needs a subject that was measured twice', () => {
    expect(repeatability([[1], [2]])).toBeNull();
    expect(repeatability([[1], [2, 3], []])).toMatchObject({ subjects: 1, measurements: 2 });
  });
});

describe('values without spread, or too few', () => {
  it('have null where nothing can be said, never NaN', () => {
    expect(described([])).toEqual({
      n: 0,
      mean: null,
      sd: null,
      median: null,
      firstQuartile: null,
      thirdQuartile: null,
      least: null,
      most: null,
    });
    expect(described([7])).toMatchObject({ mean: 7, sd: null, median: 7 });
    expect(correlationOf({ predicted: [1, 2], labelled: [3, 3] })).toMatchObject({
      pearson: null,
      rSquaredResidual: null,
    });
    expect(blandAltman({ predicted: [1], labelled: [1] })).toBeNull();
    expect(pairedTests([1], [2])).toBeNull();
    expect(pairedTests([1, 2, 3], [1, 2, 3])).toMatchObject({
      t: null,
      p: null,
      cohenDz: null,
      wilcoxon: null,
    });
    expect(icc21([[1, 2]])).toBeNull();
    expect(
      icc21([
        [3, 3],
        [3, 3],
      ]),
    ).toBeNull();
    expect(wilcoxon([0, 0])).toBeNull();
  });
});
