import { mean, squares, sum } from './describe.ts';

/** Two series of the same length: what was measured, and what is taken for true. */
export interface Pairs {
  readonly predicted: readonly number[];
  readonly labelled: readonly number[];
}

/** How predicted volumes follow labelled ones. Null where there are too few values, or all are equal. */
export interface Correlation {
  readonly n: number;
  readonly pearson: number | null;
  /** R2 as the square of Pearson's r: blind to bias and scale. */
  readonly rSquaredPearson: number | null;
  /** R2 as 1 - SSres / SStot, with the prediction itself as the model: scikit-learn's `r2_score`. */
  readonly rSquaredResidual: number | null;
  /** Lin's concordance correlation coefficient (Lin 1989, with variances by n). */
  readonly concordance: number | null;
}

export function correlationOf({ predicted, labelled }: Pairs): Correlation {
  const n = labelled.length;
  const nothing = { pearson: null, rSquaredPearson: null, rSquaredResidual: null, concordance: null };
  if (n < 2) return { n, ...nothing };
  const [meanP, meanL] = [mean(predicted), mean(labelled)];
  const [ssP, ssL] = [squares(predicted), squares(labelled)];
  const products = sum(predicted, (value, i) => (value - meanP) * ((labelled[i] as number) - meanL));
  const residual = sum(predicted, (value, i) => (value - (labelled[i] as number)) ** 2);
  const pearson =
    ssP > 0 && ssL > 0 ? Math.max(-1, Math.min(1, products / Math.sqrt(ssP) / Math.sqrt(ssL))) : null;
  const spread = ssP + ssL + n * (meanP - meanL) ** 2;
  return {
    n,
    pearson,
    rSquaredPearson: pearson === null ? null : pearson ** 2,
    rSquaredResidual: ssL > 0 ? 1 - residual / ssL : null,
    concordance: spread > 0 ? (2 * products) / spread : null,
  };
}
