/** How long something will take yet, in words for a person; nothing where nobody knows. */
export function timeLeft(seconds: number | undefined): string | undefined {
  if (seconds === undefined || !Number.isFinite(seconds)) return undefined;
  if (seconds < 10) return 'a few seconds left';
  if (seconds < 60) return `${Math.ceil(seconds / 10) * 10} s left`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min left`;
  return `${Math.ceil(seconds / 360) / 10} h left`;
}

/** What is done, and how long it will take yet. */
export const withTimeLeft = (what: string, seconds: number | undefined): string =>
  [what, timeLeft(seconds)].filter(Boolean).join(', ');
