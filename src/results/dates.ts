const MS_PER_DAY = 86_400_000;

/** DA as people write it; undefined for what is no date. */
export function isoDate(date: string | undefined): string | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)$/.exec(date ?? '');
  return parts ? `${parts[1]}-${parts[2]}-${parts[3]}` : undefined;
}

/** Days from 1970 to a DA; undefined for what is no date. */
export function dayOf(date: string | undefined): number | undefined {
  const day = Date.parse(isoDate(date) ?? '') / MS_PER_DAY;
  return Number.isNaN(day) ? undefined : day;
}
