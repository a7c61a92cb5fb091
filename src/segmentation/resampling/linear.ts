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
 * @param onPlane takes plane `index` of the result's first axis; the array is filled anew for the next one
 */
export function forEachResizedPlane(
  { data, shape }: Array3<Float32Array | Uint8Array>,
  newShape: Shape3,
  nearestAxis: Axis | undefined,
  onPlane: (plane: Float64Array, index: number) => void,
): void {
  const [, n1, n2] = shape;
  const [m0, m1, m2] = newShape;
  const taps = (axis: Axis) => (axis === nearestAxis ? nearestTaps : linearTaps)(shape[axis], newShape[axis]);
  const [taps0, taps1, taps2] = [taps(0), taps(1), taps(2)];
  const blended = new Float64Array(n1 * n2);
  const rows = new Float64Array(n1 * m2);
  const plane = new Float64Array(m1 * m2);
  for (let i = 0; i < m0; i++) {
    blendPlanes(data, taps0, i, blended);
    resizeRows(blended, n2, taps2, m2, rows);
    resizeColumns(rows, m2, taps1, plane);
    onPlane(plane, i);
  }
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

function linearTaps(length: number, newLength: number): LinearTaps {
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
