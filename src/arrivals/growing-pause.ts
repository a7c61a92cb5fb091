/**
 * The pause after so many failures in a row (1, 2 ...), in ms: `firstMs`, then twice as long each time, up to
 * `longestMs`. Jobs have pg-boss's own, which their queues set.
 */
export function growingPauseMs(
  failures: number,
  { firstMs, longestMs }: { firstMs: number; longestMs: number },
): number {
  return Math.min(firstMs * 2 ** (failures - 1), longestMs);
}
