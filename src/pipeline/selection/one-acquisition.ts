/**
 * Acquisition times closer than this, in seconds, are of one acquisition: reconstructions and Dixon parts
 * share theirs.
 */
const SAME_ACQUISITION_S = 5;
/** Whether two times are of one acquisition; times that are not known are not. */
export function sameAcquisition(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && Math.abs(a - b) <= SAME_ACQUISITION_S;
}
