import { describe, expect, it } from 'vitest';
import { type CalibrationCase, calibrate, calibrationSchema } from '../../src/segmentation/calibration.ts';
import { volumeInterval } from '../../src/segmentation/volume-interval.ts';

/** Numbers from 0 to 1 that are the same in each run (a linear congruential generator). */
function evenNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The logarithm of the error is even between `from` and `to`, in units of a doubt that differs from case to case. */
function cases(count: number, seed: number, from = -0.5, to = 0.5): CalibrationCase[] {
  const even = evenNumbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const [volumeMl, unit] = [20 + 100 * even(), 0.05 + 0.2 * even()];
    return {
      name: String(i),
      volumeMl,
      trueVolumeMl: volumeMl * Math.exp((from + (to - from) * even()) * unit),
      softmaxRangeMl: { low: volumeMl * Math.exp(-unit / 2), high: volumeMl * Math.exp(unit / 2) },
    };
  });
}

const inside = (some: readonly CalibrationCase[], calibration: ReturnType<typeof calibrate>): number =>
  some.filter(({ volumeMl, trueVolumeMl, softmaxRangeMl }) => {
    const { low, high } = volumeInterval(volumeMl, softmaxRangeMl, calibration);
    return low <= trueVolumeMl && trueVolumeMl <= high;
  }).length / some.length;

describe('a calibrated interval', () => {
  it('holds the true volume of nine in ten cases that it was not made of, on average over calibrations', () => {
    for (const count of [19, 30, 100]) {
      const shares = Array.from({ length: 200 }, (_, i) =>
        inside(cases(100, 1000 + i), calibrate({ source: 'drawn', cases: cases(count, i) })),
      );
      const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
      expect(mean).toBeGreaterThan(0.89);
      expect(mean).toBeLessThan(0.96);
    }
  });

  it('takes the outermost of nineteen cases, and the second of thirty-nine', () => {
    const of = (count: number) => {
      const all = cases(count, 7);
      const scores = all
        .map(
          (c) =>
            Math.log(c.trueVolumeMl / c.volumeMl) / Math.log(c.softmaxRangeMl.high / c.softmaxRangeMl.low),
        )
        .toSorted((a, b) => a - b);
      return { scores, calibration: calibrate({ source: 'drawn', cases: all }) };
    };
    const [few, more] = [of(19), of(39)];
    expect(few.calibration).toMatchObject({ low: few.scores[0], high: few.scores[18] });
    expect(more.calibration).toMatchObject({ low: more.scores[1], high: more.scores[37] });
  });

  it('is wider where the network doubts more, and lies to the side on which the model errs', () => {
    const calibration = calibrate({ source: 'drawn', cases: cases(30, 1, 0.1, 0.6) });
    const [sure, unsure] = [
      volumeInterval(100, { low: 98, high: 102 }, calibration),
      volumeInterval(100, { low: 90, high: 110 }, calibration),
    ];
    expect(unsure.high - unsure.low).toBeGreaterThan(3 * (sure.high - sure.low));
    // It never leaves out the volume that it belongs to.
    expect(sure.low).toBe(100);
    expect(sure.high).toBeGreaterThan(102);
  });

  it('calls a boundary uncertain in at most one of ten cases like its own', () => {
    const calibration = calibrate({ source: 'drawn', cases: cases(30, 3) });
    const isWide = (all: readonly CalibrationCase[]) =>
      all.filter((c) => volumeInterval(c.volumeMl, c.softmaxRangeMl, calibration).isWide).length;
    expect(isWide(cases(30, 3))).toBeLessThanOrEqual(3);
    expect(volumeInterval(50, { low: 25, high: 80 }, calibration).isWide).toBe(true);
    expect(volumeInterval(50, { low: 49, high: 51 }, calibration).isWide).toBe(false);
  });

  it('is the range of the softmax where the model is not calibrated, or no voxel is clear', () => {
    const calibration = calibrate({ source: 'drawn', cases: cases(30, 3) });
    expect(volumeInterval(50, { low: 40, high: 60 }, undefined)).toEqual({ low: 40, high: 60 });
    expect(volumeInterval(5, { low: 0, high: 60 }, calibration)).toEqual({ low: 0, high: 60 });
    expect(volumeInterval(0, { low: 0, high: 0 }, calibration)).toEqual({ low: 0, high: 0 });
  });

  it('is not made of fewer than nineteen cases, nor of a doubt of nothing', () => {
    const made = { format: 1, model: 'a'.repeat(64), mode: 'exact', source: 'drawn', cases: cases(19, 1) };
    expect(calibrationSchema.safeParse(made).success).toBe(true);
    expect(calibrationSchema.safeParse({ ...made, cases: made.cases.slice(1) }).success).toBe(false);
    const flat = made.cases.map((one) => ({ ...one, softmaxRangeMl: { low: 50, high: 50 } }));
    expect(calibrationSchema.safeParse({ ...made, cases: flat }).success).toBe(false);
  });
});
