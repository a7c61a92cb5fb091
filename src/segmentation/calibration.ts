import { z } from 'zod';
import { MODES } from '../inference-mode.ts';

/** A segmented case whose true volume is known. */
const caseSchema = z.strictObject({
  name: z.string(),
  volumeMl: z.number().positive(),
  trueVolumeMl: z.number().positive(),
  /** Of the voxels with a probability of at least 0.75, and of at least 0.25. */
  softmaxRangeMl: z
    .strictObject({ low: z.number().positive(), high: z.number().positive() })
    .refine(({ low, high }) => low < high, 'low must be below high'),
});
export type CalibrationCase = z.infer<typeof caseSchema>;

/** The quantiles of fewer cases would be those of chance: at 19 each side's is the outermost case. */
const LEAST_CASES = 19;

/** `calibration.json` of a model folder. */
export const calibrationSchema = z.strictObject({
  format: z.literal(1),
  /** The model's sha256: how sure one network is says nothing of another. */
  model: z.string().regex(/^[\da-f]{64}$/),
  mode: z.enum(MODES),
  /** What the cases are, in words that end up in reports. */
  source: z.string().min(1).max(200),
  cases: z.array(caseSchema).min(LEAST_CASES),
});

/** How many percent of cases like the calibration's lie inside the interval. */
export const COVERAGE_PERCENT = 90;
/** The share of the calibration's own cases whose boundary counts as uncertain. */
const UNCERTAIN_PERCENT = 10;

export interface Calibration {
  readonly source: string;
  readonly caseCount: number;
  /** Quantiles of `score`: what the true volume was, against the measured one. */
  readonly low: number;
  readonly high: number;
  /** The doubt beyond which a boundary counts as uncertain. */
  readonly doubtLimit: number;
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** The softmax's own doubt: by how much the possible voxels are more than the clear ones, as a logarithm. */
export const doubt = ({ low, high }: Range): number => Math.log(high / low);

/** By how much the true volume differs from the measured one, in units of the softmax's doubt. */
const score = ({ volumeMl, trueVolumeMl, softmaxRangeMl }: CalibrationCase): number =>
  Math.log(trueVolumeMl / volumeMl) / doubt(softmaxRangeMl);

/**
 * Split conformal prediction, normalized (Papadopoulos, Gammerman, Vovk 2008; Angelopoulos and Bates 2023,
 * section 2.3): each side's quantile of the cases' scores with the correction for their finite number, so
 * that a new case from the same source lies inside with a probability of at least `COVERAGE_PERCENT`.
 */
export function calibrate({
  source,
  cases,
}: Pick<z.infer<typeof calibrationSchema>, 'source' | 'cases'>): Calibration {
  const scores = cases.map(score).toSorted((a, b) => a - b);
  const doubts = cases.map(({ softmaxRangeMl }) => doubt(softmaxRangeMl)).toSorted((a, b) => a - b);
  // The k-th smallest of n, k from 1.
  const below = Math.max(1, Math.floor(((cases.length + 1) * (100 - COVERAGE_PERCENT)) / 200));
  const allowed = Math.min(cases.length, Math.ceil(((cases.length + 1) * (100 - UNCERTAIN_PERCENT)) / 100));
  return {
    source,
    caseCount: cases.length,
    low: scores[below - 1] as number,
    high: scores[cases.length - below] as number,
    doubtLimit: doubts[allowed - 1] as number,
  };
}
