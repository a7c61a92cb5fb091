import type { Array3, Shape3 } from '../array3.ts';

/** Pole of the cubic B-spline's prefilter. */
const POLE = Math.sqrt(3) - 2;

/** Rows that scipy.ndimage repeats at both ends before it filters in mode 'nearest'. */
const PADDING = 12;

/** Lines filtered together: neighbours in memory, so that strided axes are read by whole cache lines. */
const BLOCK = 32;

/**
 * Coordinate on the old grid of the centre of cell `index` on the new one; both grids span the same cells.
 */
export function oldCoordinate(index: number, oldLength: number, newLength: number): number {
  return (index + 0.5) * (oldLength / newLength) - 0.5;
}

/**
 * Resizes an array along one axis with a cubic B-spline, edges repeated: what scikit-image 0.19's
 * `resize(order=3, mode='edge', anti_aliasing=False)` does along each axis, by way of
 * `scipy.ndimage.zoom(mode='nearest', grid_mode=True)`, before it clips to the input's range.
 */
export function splineResizeAxis(
  source: Array3<Float32Array>,
  axis: 0 | 1 | 2,
  newLength: number,
): Array3<Float32Array> {
  const [n0, n1, n2] = source.shape;
  const length = source.shape[axis];
  // At equal length, filtering and evaluating at the knots gives the input back.
  if (length === newLength) return source;
  const inner = axis === 2 ? 1 : axis === 1 ? n2 : n1 * n2;
  const outer = (n0 * n1 * n2) / (inner * length);
  const { starts, weights } = cubicTaps(length, newLength);

  const from = source.data;
  const to = new Float32Array(outer * newLength * inner);
  const lines = outer * inner;
  const coefficients = new Float64Array((length + 2 * PADDING) * BLOCK);
  const readAt = new Float64Array(BLOCK);
  const writeAt = new Float64Array(BLOCK);
  for (let first = 0; first < lines; first += BLOCK) {
    const width = Math.min(BLOCK, lines - first);
    for (let b = 0; b < width; b++) {
      const line = first + b;
      const within = line % inner;
      const before = (line - within) / inner;
      readAt[b] = before * length * inner + within;
      writeAt[b] = before * newLength * inner + within;
    }
    for (let i = 0; i < length; i++) {
      const row = (i + PADDING) * BLOCK;
      for (let b = 0; b < width; b++)
        coefficients[row + b] = 6 * (from[(readAt[b] as number) + i * inner] as number);
    }
    repeatEdges(coefficients, length);
    prefilter(coefficients, length + 2 * PADDING);
    for (let i = 0; i < newLength; i++) {
      const row = (starts[i] as number) * BLOCK;
      const w0 = weights[4 * i] as number;
      const w1 = weights[4 * i + 1] as number;
      const w2 = weights[4 * i + 2] as number;
      const w3 = weights[4 * i + 3] as number;
      for (let b = 0; b < width; b++) {
        const at = row + b;
        to[(writeAt[b] as number) + i * inner] =
          w0 * (coefficients[at] as number) +
          w1 * (coefficients[at + BLOCK] as number) +
          w2 * (coefficients[at + 2 * BLOCK] as number) +
          w3 * (coefficients[at + 3 * BLOCK] as number);
      }
    }
  }
  const shape: Shape3 = [
    axis === 0 ? newLength : n0,
    axis === 1 ? newLength : n1,
    axis === 2 ? newLength : n2,
  ];
  return { data: to, shape };
}

/** For each new index: the first of the four coefficients (counted with the padding) and their weights. */
function cubicTaps(length: number, newLength: number) {
  const starts = new Int32Array(newLength);
  const weights = new Float64Array(4 * newLength);
  for (let i = 0; i < newLength; i++) {
    const coordinate = oldCoordinate(i, length, newLength);
    const y = coordinate - Math.floor(coordinate);
    const z = 1 - y;
    const w0 = (z * z * z) / 6;
    const w1 = (y * y * (y - 2) * 3 + 4) / 6;
    const w2 = (z * z * (z - 2) * 3 + 4) / 6;
    starts[i] = Math.floor(coordinate) - 1 + PADDING;
    weights.set([w0, w1, w2, 1 - w0 - w1 - w2], 4 * i);
  }
  return { starts, weights };
}

function repeatEdges(rows: Float64Array, length: number): void {
  const first = PADDING * BLOCK;
  const last = (PADDING + length - 1) * BLOCK;
  for (let i = 0; i < PADDING; i++) {
    rows.copyWithin(i * BLOCK, first, first + BLOCK);
    rows.copyWithin(last + (i + 1) * BLOCK, last, last + BLOCK);
  }
}

/**
 * Turns samples (already times the gain of 6) into spline coefficients. Beyond the padding the edge goes on
 * for ever; scipy mirrors there instead, which nothing within the padding can feel.
 */
function prefilter(rows: Float64Array, length: number): void {
  for (let at = 0; at < BLOCK; at++) rows[at] = (rows[at] as number) / (1 - POLE);
  for (let at = BLOCK; at < length * BLOCK; at++)
    rows[at] = (rows[at] as number) + POLE * (rows[at - BLOCK] as number);
  const last = (length - 1) * BLOCK;
  for (let at = last; at < last + BLOCK; at++) rows[at] = (rows[at] as number) * (POLE / (POLE - 1));
  for (let at = last - 1; at >= 0; at--)
    rows[at] = POLE * ((rows[at + BLOCK] as number) - (rows[at] as number));
}
