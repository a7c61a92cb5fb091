import type { ArrayPart } from '../array-view.ts';
import type { Array3, Axis, Shape3 } from '../array3.ts';
import { nearestIndices, oldCoordinate } from './coordinates.ts';

/** Two neighbours on the old grid for each new index, and the second one's share. */
export interface LinearTaps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float64Array;
}

/**
 * Resizes with linear interpolation, edges repeated (scikit-image's `resize(order=1, mode='edge')`), and by
 * the nearest value along `nearestAxis`, if any. It never leaves the input's range, so that nothing needs
 * clipping. Plane by plane, so that the result never has to be in memory as a whole.
 *
 * @param onPlane takes the part of plane `index` of the result's first axis that may be other than 0; the
 *   array is filled anew for the next one
 */
export function forEachResizedPlane(
  part: ArrayPart | Array3<Float32Array | Uint8Array>,
  newShape: Shape3,
  nearestAxis: Axis | undefined,
  onPlane: (plane: Float64Array, index: number, area: PlaneArea) => void,
): void {
  const { start, shape: own } = 'box' in part ? part.box : { start: [0, 0, 0] as const, shape: part.shape };
  const whole = tapsOf(part.shape, newShape, nearestAxis);
  const along = (axis: Axis) => reached(whole[axis], start[axis], own[axis]);
  const [reach0, reach1, reach2] = [along(0), along(1), along(2)];
  const area = {
    rows: { first: reach1.first, count: reach1.taps.low.length },
    columns: { first: reach2.first, count: reach2.taps.low.length },
  };
  const [, n1, n2] = own;
  const [count0, count1, count2] = [reach0.taps.low.length, area.rows.count, area.columns.count];
  const blended = new Float64Array(n1 * n2);
  const rows = new Float64Array(n1 * count2);
  const plane = new Float64Array(count1 * count2);
  if (plane.length === 0) return;
  for (let i = 0; i < count0; i++) {
    blendPlanes(part.data, reach0.taps, i, blended);
    resizeRows(blended, n2, reach2.taps, count2, rows);
    resizeColumns(rows, count2, reach1.taps, plane);
    onPlane(plane, reach0.first + i, area);
  }
}

/** Which rows and columns of a plane an array holds. */
export interface PlaneArea {
  readonly rows: { readonly first: number; readonly count: number };
  readonly columns: { readonly first: number; readonly count: number };
}

/**
 * The taps, counted from `start`, of those new indices all of whose neighbours lie in a stretch of the old
 * ones.
 */
function reached({ low, high, share }: LinearTaps, start: number, length: number) {
  const isWithin = (i: number) => (low[i] as number) >= start && (high[i] as number) < start + length;
  let first = 0;
  while (first < low.length && !isWithin(first)) first++;
  let end = first;
  while (end < low.length && isWithin(end)) end++;
  const taps: LinearTaps = {
    low: low.slice(first, end).map((index) => index - start),
    high: high.slice(first, end).map((index) => index - start),
    share: share.slice(first, end),
  };
  return { first, taps };
}

/** The neighbours along each axis; only one of them counts along `nearestAxis`. */
export function tapsOf(
  shape: Shape3,
  newShape: Shape3,
  nearestAxis: Axis | undefined,
): readonly [LinearTaps, LinearTaps, LinearTaps] {
  const along = (axis: Axis) =>
    (axis === nearestAxis ? nearestTaps : linearTaps)(shape[axis], newShape[axis]);
  return [along(0), along(1), along(2)];
}

function blendPlanes(
  data: Float32Array | Uint8Array,
  { low, high, share }: LinearTaps,
  i: number,
  blended: Float64Array,
): void {
  const first = (low[i] as number) * blended.length;
  const second = (high[i] as number) * blended.length;
  const part = share[i] as number;
  for (let at = 0; at < blended.length; at++) {
    blended[at] = (1 - part) * (data[first + at] as number) + part * (data[second + at] as number);
  }
}

function resizeRows(
  from: Float64Array,
  width: number,
  { low, high, share }: LinearTaps,
  newWidth: number,
  rows: Float64Array,
): void {
  for (let row = 0, target = 0; row < from.length; row += width) {
    for (let k = 0; k < newWidth; k++) {
      const part = share[k] as number;
      rows[target++] =
        (1 - part) * (from[row + (low[k] as number)] as number) +
        part * (from[row + (high[k] as number)] as number);
    }
  }
}

function resizeColumns(
  rows: Float64Array,
  width: number,
  { low, high, share }: LinearTaps,
  plane: Float64Array,
): void {
  for (let j = 0, target = 0; target < plane.length; j++, target += width) {
    const first = (low[j] as number) * width;
    const second = (high[j] as number) * width;
    const part = share[j] as number;
    for (let k = 0; k < width; k++) {
      plane[target + k] = (1 - part) * (rows[first + k] as number) + part * (rows[second + k] as number);
    }
  }
}

export function linearTaps(length: number, newLength: number): LinearTaps {
  const low = new Int32Array(newLength);
  const high = new Int32Array(newLength);
  const share = new Float64Array(newLength);
  for (let i = 0; i < newLength; i++) {
    const coordinate = oldCoordinate(i, length, newLength);
    const floor = Math.floor(coordinate);
    low[i] = Math.max(0, floor);
    high[i] = Math.min(length - 1, floor + 1);
    // As scipy rounds it: what the first weight leaves.
    share[i] = 1 - (1 - (coordinate - floor));
  }
  return { low, high, share };
}

function nearestTaps(length: number, newLength: number): LinearTaps {
  const nearest = nearestIndices(length, newLength);
  return { low: nearest, high: nearest, share: new Float64Array(newLength) };
}
