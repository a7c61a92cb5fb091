/**
 * Below a quarter of a year a rate per year would multiply the error of the measurements by more than four,
 * and say more of it than of the gland.
 */
const LEAST_DAYS_FOR_RATE = 91;
const DAYS_PER_YEAR = 365.25;
const MS_PER_DAY = 86_400_000;

/** Undefined below the least time for a rate, and where a date (DA) is none. */
export function yearsBetween(from: string, to: string | undefined): number | undefined {
  const days = (dayOf(to) - dayOf(from)) / MS_PER_DAY;
  return days >= LEAST_DAYS_FOR_RATE ? days / DAYS_PER_YEAR : undefined;
}

/** Midnight of a DA in ms; NaN for anything else. */
function dayOf(date: string | undefined): number {
  return Date.parse(isoDate(date) ?? '');
}

/** DA as people write it. */
export function isoDate(date: string | undefined): string | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)$/.exec(date ?? '');
  return parts ? `${parts[1]}-${parts[2]}-${parts[3]}` : undefined;
}
