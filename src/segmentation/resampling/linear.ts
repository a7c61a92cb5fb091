import { type Array3, elements, type Shape3 } from '../array3.ts';
import { oldCoordinate } from './spline.ts';

/** Two neighbours on the old grid for each new index, and the second one's share. */
interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float64Array;
}

function linearTaps(length: number, newLength: number): Taps {
  const low = new Int32Array(newLength);
  const high = new Int32Array(newLength);
  const share = new Float64Array(newLength);
  for (let i = 0; i < newLength; i++) {
    const coordinate = Math.min(length - 1, Math.max(0, oldCoordinate(i, length, newLength)));
    low[i] = Math.floor(coordinate);
    high[i] = Math.min(length - 1, Math.floor(coordinate) + 1);
    share[i] = coordinate - Math.floor(coordinate);
  }
  return { low, high, share };
}

/**
 * The nearest old index for each new one, as scipy.ndimage.map_coordinates(order=0, mode='nearest') rounds.
 */
export function nearestIndices(length: number, newLength: number): Int32Array {
  return Int32Array.from({ length: newLength }, (_, i) => {
    const coordinate = Math.min(length - 1, Math.max(0, oldCoordinate(i, length, newLength)));
    return Math.floor(coordinate + 0.5);
  });
}

/**
 * Resizes with linear interpolation, edges repeated (scikit-image's `resize(order=1, mode='edge')`), and by
 * the nearest value along `nearestAxis`, if any. It never leaves the input's range, so that nothing needs
 * clipping.
 */
export function linearResize(
  source: Array3<Float32Array>,
  shape: Shape3,
  nearestAxis?: number,
): Array3<Float32Array> {
  const [n0, n1, n2] = source.shape;
  const [m0, m1, m2] = shape;
  if (n0 === m0 && n1 === m1 && n2 === m2) return source;
  const taps = [0, 1, 2].map((axis): Taps => {
    const length = source.shape[axis] as number;
    const newLength = shape[axis] as number;
    if (axis !== nearestAxis) return linearTaps(length, newLength);
    const nearest = nearestIndices(length, newLength);
    return { low: nearest, high: nearest, share: new Float64Array(newLength) };
  });
  const [taps0, taps1, taps2] = taps as [Taps, Taps, Taps];
  const from = source.data;
  const to = new Float32Array(elements(shape));
  const plane = new Float64Array(n1 * n2);
  const rows = new Float64Array(n1 * m2);
  for (let i = 0; i < m0; i++) {
    const low0 = (taps0.low[i] as number) * n1 * n2;
    const high0 = (taps0.high[i] as number) * n1 * n2;
    const share0 = taps0.share[i] as number;
    for (let at = 0; at < n1 * n2; at++) {
      plane[at] = (1 - share0) * (from[low0 + at] as number) + share0 * (from[high0 + at] as number);
    }
    for (let j = 0; j < n1; j++) {
      const row = j * n2;
      for (let k = 0; k < m2; k++) {
        const share = taps2.share[k] as number;
        rows[j * m2 + k] =
          (1 - share) * (plane[row + (taps2.low[k] as number)] as number) +
          share * (plane[row + (taps2.high[k] as number)] as number);
      }
    }
    for (let j = 0; j < m1; j++) {
      const low1 = (taps1.low[j] as number) * m2;
      const high1 = (taps1.high[j] as number) * m2;
      const share1 = taps1.share[j] as number;
      const target = (i * m1 + j) * m2;
      for (let k = 0; k < m2; k++) {
        to[target + k] = (1 - share1) * (rows[low1 + k] as number) + share1 * (rows[high1 + k] as number);
      }
    }
  }
  return { data: to, shape };
}
