import { dayOf } from './dates.ts';

/** A volume and the date (DA) of its study, where that has one. */
export interface DatedVolume {
  readonly ml: number;
  readonly date: string | undefined;
}

export interface Change {
  readonly ml: number;
  /** Undefined where the earlier volume is zero. */
  readonly percent: number | undefined;
  /** Undefined where the studies lie too close together for a rate, or one has no date. */
  readonly percentPerYear: number | undefined;
  readonly mlPerYear: number | undefined;
  /**
   * Whether it is more than repeated measurement alone would give; undefined where the site has not said how
   * much that is.
   */
  readonly exceedsRepeatability: boolean | undefined;
}

/**
 * Below a quarter of a year a rate per year would multiply the error of the measurements by more than four,
 * and say more of it than of the gland.
 */
const LEAST_DAYS_FOR_RATE = 91;
const DAYS_PER_YEAR = 365.25;

/** @param repeatabilityPercent see `ReportInput.repeatabilityPercent` */
export function changeBetween(
  from: DatedVolume,
  to: DatedVolume,
  repeatabilityPercent: number | undefined,
): Change {
  const ml = to.ml - from.ml;
  const percent = from.ml > 0 ? (100 * ml) / from.ml : undefined;
  const days = (dayOf(to.date) ?? Number.NaN) - (dayOf(from.date) ?? Number.NaN);
  const years = days >= LEAST_DAYS_FOR_RATE ? days / DAYS_PER_YEAR : undefined;
  const perYear = (change: number | undefined) =>
    years === undefined || change === undefined ? undefined : change / years;
  return {
    ml,
    percent,
    percentPerYear: perYear(percent),
    mlPerYear: perYear(ml),
    exceedsRepeatability:
      percent === undefined || repeatabilityPercent === undefined
        ? undefined
        : Math.abs(percent) > repeatabilityPercent,
  };
}
