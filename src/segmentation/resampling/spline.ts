import { type Array3, type Axis, axisLayout, elements, withLength } from '../array3.ts';
import { oldCoordinate } from './coordinates.ts';

/** Pole of the cubic B-spline's prefilter, and its gain: (1 - POLE) * (1 - 1 / POLE). */
const POLE = Math.sqrt(3) - 2;
const GAIN = 6;

/** Coefficients beyond either edge that are evaluated: the outermost new cell lies within half an old one. */
const MARGIN = 2;

/** Lines filtered together: neighbours in memory, so that strided axes are read by whole cache lines. */
const BLOCK = 32;

/** Some parallel lines of an array: element i of line b is data[at + i * along + b * across]. */
interface Lines {
  readonly data: Float32Array;
  readonly at: number;
  readonly along: number;
  readonly across: number;
  readonly length: number;
}

/**
 * Resizes an array along one axis with a cubic B-spline, edges repeated: what scikit-image 0.19's
 * `resize(order=3, mode='edge', anti_aliasing=False)` does along each axis, by way of
 * `scipy.ndimage.zoom(mode='nearest', grid_mode=True)`, before it clips to the input's range.
 */
export function splineResizeAxis(
  source: Array3<Float32Array>,
  axis: Axis,
  newLength: number,
): Array3<Float32Array> {
  const length = source.shape[axis];
  // At equal length, filtering and evaluating at the knots gives the input back.
  if (length === newLength) return source;
  return resize(source, axis, cubicTaps(length, newLength, { start: 0, length: newLength }));
}

/** So many values beyond a stretch still count in it: by 2e-12 of what they are. */
const REACH = 20;

/** Some indices of an axis. */
export interface Stretch {
  readonly start: number;
  readonly length: number;
}

/** The old values that a stretch of the new ones is made of, when an axis is resized. */
export function splineSources(length: number, newLength: number, { start, length: count }: Stretch): Stretch {
  const first = Math.floor(oldCoordinate(start, length, newLength)) - 1 - REACH;
  const last = Math.floor(oldCoordinate(start + count - 1, length, newLength)) + 2 + REACH;
  const from = Math.max(0, first);
  return { start: from, length: Math.min(length - 1, last) - from + 1 };
}

/**
 * As `splineResizeAxis`, of a stretch of the axis alone.
 * @param source what `splineSources` says of it
 * @param length of the whole axis
 */
export function splineResizeStretch(
  source: Array3<Float32Array>,
  axis: Axis,
  [length, newLength]: readonly [number, number],
  stretch: Stretch,
): Array3<Float32Array> {
  const taps = cubicTaps(length, newLength, stretch);
  const { start } = splineSources(length, newLength, stretch);
  return resize(source, axis, { ...taps, starts: taps.starts.map((index) => index - start) });
}

function resize(source: Array3<Float32Array>, axis: Axis, taps: Taps): Array3<Float32Array> {
  const { outer, length, inner } = axisLayout(source.shape, axis);
  const newLength = taps.starts.length;
  const shape = withLength(source.shape, axis, newLength);
  const data = new Float32Array(elements(shape));
  const rows = new Float64Array((length + 2 * MARGIN) * BLOCK);

  // Where lines lie one behind the other, blocks of them are made across what else would be the outer blocks.
  const isContiguous = inner === 1;
  const groups = isContiguous ? 1 : outer;
  const lines = isContiguous ? outer : inner;
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < lines; first += BLOCK) {
      const width = Math.min(BLOCK, lines - first);
      const block = (of: Float32Array, ofLength: number): Lines => {
        const across = isContiguous ? ofLength : 1;
        return {
          data: of,
          at: group * ofLength * inner + first * across,
          along: inner,
          across,
          length: ofLength,
        };
      };
      filter(block(source.data, length), width, rows);
      evaluate(rows, taps, block(data, newLength), width);
    }
  }
  return { data, shape };
}

/**
 * Turns lines of samples into rows of spline coefficients, MARGIN more at either end. Beyond its ends a line
 * goes on for ever with its edge value: scipy mirrors after 12 such values instead, which is the same but for
 * 2e-14 of the values.
 */
function filter({ data, at, along, across, length }: Lines, width: number, rows: Float64Array): void {
  const last = at + (length - 1) * along;
  const end = (length + 2 * MARGIN) * BLOCK;
  for (let b = 0; b < width; b++) {
    const before = (GAIN * (data[at + b * across] as number)) / (1 - POLE);
    for (let row = 0; row < MARGIN * BLOCK; row += BLOCK) rows[row + b] = before;
  }
  for (let row = MARGIN * BLOCK, i = 0; row < end; row += BLOCK, i++) {
    const from = i < length ? at + i * along : last;
    for (let b = 0; b < width; b++) {
      rows[row + b] = GAIN * (data[from + b * across] as number) + POLE * (rows[row + b - BLOCK] as number);
    }
  }
  // The sum over the endless rest, in which the first pass comes ever closer to its value for an even line.
  for (let b = 0; b < width; b++) {
    const even = (GAIN * (data[last + b * across] as number)) / (1 - POLE);
    const rest = (rows[end - BLOCK + b] as number) - even;
    rows[end - BLOCK + b] = -POLE * (even / (1 - POLE) + rest / (1 - POLE * POLE));
  }
  for (let row = end - 2 * BLOCK; row >= 0; row -= BLOCK) {
    for (let b = 0; b < width; b++) {
      rows[row + b] = POLE * ((rows[row + b + BLOCK] as number) - (rows[row + b] as number));
    }
  }
}

function evaluate(
  rows: Float64Array,
  { starts, weights }: Taps,
  { data, at, along, across, length }: Lines,
  width: number,
): void {
  for (let i = 0; i < length; i++) {
    const row = (starts[i] as number) * BLOCK;
    const target = at + i * along;
    const w0 = weights[4 * i] as number;
    const w1 = weights[4 * i + 1] as number;
    const w2 = weights[4 * i + 2] as number;
    const w3 = weights[4 * i + 3] as number;
    for (let b = 0; b < width; b++) {
      const from = row + b;
      data[target + b * across] =
        w0 * (rows[from] as number) +
        w1 * (rows[from + BLOCK] as number) +
        w2 * (rows[from + 2 * BLOCK] as number) +
        w3 * (rows[from + 3 * BLOCK] as number);
    }
  }
}

/** For each new index: the first of the four coefficients (counted with the margin) and their weights. */
interface Taps {
  readonly starts: Int32Array;
  readonly weights: Float64Array;
}

function cubicTaps(length: number, newLength: number, { start, length: count }: Stretch): Taps {
  const starts = new Int32Array(count);
  const weights = new Float64Array(4 * count);
  for (let i = 0; i < count; i++) {
    const coordinate = oldCoordinate(start + i, length, newLength);
    const y = coordinate - Math.floor(coordinate);
    const z = 1 - y;
    const w0 = (z * z * z) / 6;
    const w1 = (y * y * (y - 2) * 3 + 4) / 6;
    const w2 = (z * z * (z - 2) * 3 + 4) / 6;
    starts[i] = Math.floor(coordinate) - 1 + MARGIN;
    weights.set([w0, w1, w2, 1 - w0 - w1 - w2], 4 * i);
  }
  return { starts, weights };
}
