/** The cases that an interval was calibrated on. */
export interface IntervalBasis {
  readonly coveragePercent: number;
  readonly caseCount: number;
  readonly source: string;
}

/** Beside the method of an interval without a basis. Reports of 0.1.0 lack it, and stay as they are. */
export const NOT_CALIBRATED = 'not calibrated: how often it holds the true volume is not known';

/** What an interval means, and what not. */
export function intervalMethod(basis: IntervalBasis | undefined): string {
  if (!basis) {
    return (
      'from the volume of the voxels with a probability of at least 0.75 to that with at least 0.25, ' +
      "by the network's softmax"
    );
  }
  const { coveragePercent, caseCount, source } = basis;
  return (
    `calibrated to hold the true volume in at least ${coveragePercent} of 100 cases like the ` +
    `${caseCount} that it was calibrated on (${source}), by split conformal prediction on the network's ` +
    'softmax; of images that differ from those it says nothing'
  );
}
