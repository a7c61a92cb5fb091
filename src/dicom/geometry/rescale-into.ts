import type { StoredValues } from '../pixels/stored-values.ts';
import type { Rescale } from './rescale.ts';

/**
 * Pixels per call of a loop: V8 optimizes a function by how often it is called. Whole planes at once, a
 * series of 600 slices took four times as long.
 */
const STRETCH = 1024;
/**
 * Up to these the sum slope * value + intercept fits 32 bits for every value of 16; CT has 1 and -1024 or so.
 */
const MAX_SLOPE = 2 ** 14;
const MAX_INTERCEPT = 2 ** 30;
/** No value lies in this range. */
const NO_PADDING = { low: 1, high: 0, fill: 0 };

/**
 * Writes the real values of one frame into a volume, from `offset` on. For a target of Int16 slope and
 * intercept have to be integers. Returns false where a value is no Int16 and the target is: then this frame
 * of the target has no meaning.
 */
export function rescaleInto(
  target: Int16Array | Float32Array,
  offset: number,
  stored: StoredValues,
  rescale: Rescale,
): boolean {
  const plane = target.subarray(offset, offset + stored.length);
  plane.set(stored); // large unsigned values wrap in Int16; the mask takes that back
  if (plane instanceof Float32Array) {
    mapFloats(plane, rescale);
    return true;
  }
  const { slope, intercept } = rescale;
  if (Math.abs(slope) > MAX_SLOPE || Math.abs(intercept) > MAX_INTERCEPT) return false;
  return mapIntegers(plane, stored instanceof Int16Array ? -1 : 0xffff, rescale);
}

function mapIntegers(plane: Int16Array, mask: number, { slope, intercept, padding }: Rescale): boolean {
  const { low, high, fill } = padding ?? NO_PADDING;
  const isShift = slope === 1 && padding === undefined; // most CT
  let outside = 0;
  for (let from = 0; from < plane.length; from += STRETCH) {
    const to = Math.min(from + STRETCH, plane.length);
    if (isShift) outside |= shiftStretch(plane, from, to, mask, intercept);
    else outside |= mapIntegerStretch(plane, from, to, mask, slope, intercept, low, high, fill);
  }
  return outside >>> 16 === 0;
}

/** As `mapIntegerStretch` for a slope of 1 without padding, in half of its time. */
function shiftStretch(plane: Int16Array, from: number, to: number, mask: number, intercept: number): number {
  let outside = 0;
  for (let i = from; i < to; i += 1) {
    const real = (((plane[i] as number) & mask) + intercept) | 0;
    outside |= real + 0x8000;
    plane[i] = real;
  }
  return outside;
}

/** Returns bits above the lowest 16 where a value was no Int16. */
function mapIntegerStretch(
  plane: Int16Array,
  from: number,
  to: number,
  mask: number,
  slope: number,
  intercept: number,
  low: number,
  high: number,
  fill: number,
): number {
  let outside = 0;
  for (let i = from; i < to; i += 1) {
    const value = (plane[i] ?? 0) & mask;
    const real = value >= low && value <= high ? fill : (Math.imul(value, slope) + intercept) | 0;
    outside |= real + 0x8000;
    plane[i] = real;
  }
  return outside;
}

function mapFloats(plane: Float32Array, { slope, intercept, padding }: Rescale): void {
  const { low, high, fill } = padding ?? NO_PADDING;
  for (let from = 0; from < plane.length; from += STRETCH) {
    const to = Math.min(from + STRETCH, plane.length);
    mapFloatStretch(plane, from, to, slope, intercept, low, high, fill);
  }
}

function mapFloatStretch(
  plane: Float32Array,
  from: number,
  to: number,
  slope: number,
  intercept: number,
  low: number,
  high: number,
  fill: number,
): void {
  for (let i = from; i < to; i += 1) {
    const value = plane[i] ?? 0;
    plane[i] = value >= low && value <= high ? fill : value * slope + intercept;
  }
}
