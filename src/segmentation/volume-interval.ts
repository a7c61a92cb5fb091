import { type Calibration, COVERAGE_PERCENT, doubt } from './calibration.ts';

interface Range {
  readonly low: number;
  readonly high: number;
}

/** What an interval of a volume is founded on, beside the network's own doubt. */
interface IntervalBasis {
  /** How many percent of cases like those hold their true volume inside. */
  readonly coveragePercent: number;
  readonly caseCount: number;
  /** What the cases are, in words. */
  readonly source: string;
}

export interface VolumeInterval extends Range {
  /** Undefined where the model is not calibrated: then it is the range of the softmax, and no more. */
  readonly basis?: IntervalBasis;
  /** Whether the network doubts the boundary more than in nine of ten calibration cases, if there are any. */
  readonly isWide?: boolean;
}

/**
 * The interval of a volume, in ml.
 * @param softmaxRange volumes of the voxels with a probability of at least 0.75, and of at least 0.25
 */
export function volumeInterval(
  volumeMl: number,
  softmaxRange: Range,
  calibration: Calibration | undefined,
): VolumeInterval {
  // Where no voxel is clear there is no measure of the doubt.
  if (!calibration || volumeMl === 0 || softmaxRange.low === 0) return softmaxRange;
  const unit = doubt(softmaxRange);
  return {
    // Errors may lie to one side; an interval that leaves out the volume that it belongs to cannot be told.
    low: Math.min(volumeMl, volumeMl * Math.exp(calibration.low * unit)),
    high: Math.max(volumeMl, volumeMl * Math.exp(calibration.high * unit)),
    basis: {
      coveragePercent: COVERAGE_PERCENT,
      caseCount: calibration.caseCount,
      source: calibration.source,
    },
    isWide: unit > calibration.doubtLimit,
  };
}
