/** The calendar day of this machine's own time zone, as modalities write it: YYYYMMDD. */
export function studyDate(now: Date, daysBack: number): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysBack);
  return day.toLocaleDateString('sv-SE').replaceAll('-', ''); // Sweden writes 2026-03-01
}
