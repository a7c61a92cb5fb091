/** PS3.5 table 6.2-1: a DS value has at most 16 characters. */
const DS_MAX_LENGTH = 16;

/** A number as DS, with as many digits as 16 characters hold. Throws RangeError for what is not finite. */
export function decimalString(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} can't be written as a decimal string`);
  const plain = String(value);
  if (plain.length <= DS_MAX_LENGTH) return plain;
  for (let digits = DS_MAX_LENGTH; digits > 0; digits--) {
    const shorter = String(Number(value.toPrecision(digits)));
    if (shorter.length <= DS_MAX_LENGTH) return shorter;
  }
  throw new RangeError(`${value} can't be written in ${DS_MAX_LENGTH} characters`);
}

/**
 * A source's decimal string as it stands; only one that is too long for its VR is written anew, in the digits
 * that fit.
 */
export function keptDecimalString(text: string): string {
  return text.length <= DS_MAX_LENGTH ? text : decimalString(Number(text));
}
