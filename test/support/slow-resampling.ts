import type { Array3, Axis, Shape3 } from '../../src/segmentation/array3.ts';

/**
 * scikit-image's resize the plain way, to compare with: every new voxel is a sum over all its neighbours in
 * three dimensions, and the spline's coefficients come from the equations that define them. Float64
 * throughout.
 */
export interface SlowArray {
  readonly data: readonly number[];
  readonly shape: Shape3;
}

/** Far enough from the edge that the spline doesn't feel what is beyond. */
const PADDING = 12;

export function toSlow({ data, shape }: Array3): SlowArray {
  return { data: Array.from(data), shape };
}

/** Cubic spline with edges repeated, not clipped. */
export function slowCubic(image: SlowArray, shape: Shape3): SlowArray {
  const padded = filled(
    image.shape.map((length) => length + 2 * PADDING),
    (place) =>
      at(
        image,
        clampedTo(
          image.shape,
          place.map((index) => index - PADDING),
        ),
      ),
  );
  const coefficients = ([0, 1, 2] as const).reduce(alongLines, padded);
  return interpolated(image.shape, shape, coefficients, PADDING, (t) => [
    (1 - t) ** 3 / 6,
    (3 * t ** 3 - 6 * t ** 2 + 4) / 6,
    (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6,
    t ** 3 / 6,
  ]);
}

/** Linear with edges repeated. */
export function slowLinear(image: SlowArray, shape: Shape3): SlowArray {
  return interpolated(image.shape, shape, image, 0, (t) => [0, 1 - t, t, 0]);
}

/** Nearest along one axis. */
export function slowNearest(image: SlowArray, axis: Axis, length: number): SlowArray {
  const old = image.shape[axis];
  const shape = image.shape.map((along, i) => (i === axis ? length : along));
  return filled(shape, (place) => {
    const index = Math.floor(((place[axis] as number) + 0.5) * (old / length) - 0.5 + 0.5);
    return at(
      image,
      place.map((along, i) => (i === axis ? Math.min(old - 1, Math.max(0, index)) : along)),
    );
  });
}

/** Slice by slice across an axis. */
export function bySlice(image: SlowArray, axis: Axis, resize: (slice: SlowArray) => SlowArray): SlowArray {
  const slices = Array.from({ length: image.shape[axis] }, (_, index) => {
    const shape = image.shape.map((along, i) => (i === axis ? 1 : along));
    return resize(
      filled(shape, (place) =>
        at(
          image,
          place.map((along, i) => (i === axis ? index : along)),
        ),
      ),
    );
  });
  const shape = slices[0]?.shape.map((along, i) => (i === axis ? slices.length : along)) ?? [];
  return filled(shape, (place) => {
    const slice = slices[place[axis] as number];
    return slice
      ? at(
          slice,
          place.map((along, i) => (i === axis ? 0 : along)),
        )
      : Number.NaN;
  });
}

export function clippedTo(range: SlowArray, { data, shape }: SlowArray): SlowArray {
  const [low, high] = [Math.min(...range.data), Math.max(...range.data)];
  return { data: data.map((value) => Math.min(high, Math.max(low, value))), shape };
}

function interpolated(
  from: Shape3,
  shape: Shape3,
  values: SlowArray,
  padding: number,
  weightsOf: (t: number) => readonly number[],
): SlowArray {
  return filled(shape, (place) => {
    const coordinates = place.map(
      (index, i) => (index + 0.5) * ((from[i] as number) / (shape[i] as number)) - 0.5,
    );
    const floors = coordinates.map(Math.floor);
    const weights = coordinates.map((coordinate) => weightsOf(coordinate - Math.floor(coordinate)));
    let sum = 0;
    for (const [a, weightA] of (weights[0] ?? []).entries())
      for (const [b, weightB] of (weights[1] ?? []).entries())
        for (const [c, weightC] of (weights[2] ?? []).entries()) {
          const neighbour = [a, b, c].map((step, i) => (floors[i] as number) - 1 + step + padding);
          sum += weightA * weightB * weightC * at(values, clampedTo(values.shape, neighbour));
        }
    return sum;
  });
}

/**
 * Replaces the samples along an axis by coefficients c with (c[i-1] + 4 c[i] + c[i+1]) / 6 = sample i,
 * mirrored ends.
 */
function alongLines(image: SlowArray, axis: Axis): SlowArray {
  const length = image.shape[axis];
  const solved = new Map<string, readonly number[]>();
  return filled(image.shape, (place) => {
    const key = place.map((index, i) => (i === axis ? 0 : index)).join();
    const line =
      solved.get(key) ??
      splineCoefficients(
        Array.from({ length }, (_, index) =>
          at(
            image,
            place.map((along, i) => (i === axis ? index : along)),
          ),
        ),
      );
    solved.set(key, line);
    return line[place[axis] as number] as number;
  });
}

/** Elimination forwards, substitution backwards. */
function splineCoefficients(samples: readonly number[]): number[] {
  const last = samples.length - 1;
  const upper: number[] = [];
  const right: number[] = [];
  for (const [i, sample] of samples.entries()) {
    const lowerFactor = i === 0 ? 0 : i === last ? 2 : 1;
    const upperFactor = i === 0 ? 2 : 1;
    const pivot = 4 - lowerFactor * (upper[i - 1] ?? 0);
    upper.push(upperFactor / pivot);
    right.push((6 * sample - lowerFactor * (right[i - 1] ?? 0)) / pivot);
  }
  for (let i = last - 1; i >= 0; i--)
    right[i] = (right[i] as number) - (upper[i] as number) * (right[i + 1] as number);
  return right;
}

function filled(lengths: readonly number[], valueAt: (place: readonly number[]) => number): SlowArray {
  const [n0 = 0, n1 = 0, n2 = 0] = lengths;
  const data: number[] = [];
  for (let i = 0; i < n0; i++)
    for (let j = 0; j < n1; j++) for (let k = 0; k < n2; k++) data.push(valueAt([i, j, k]));
  return { data, shape: [n0, n1, n2] };
}

function at({ data, shape }: SlowArray, [i = 0, j = 0, k = 0]: readonly number[]): number {
  return data[(i * shape[1] + j) * shape[2] + k] as number;
}

function clampedTo(shape: Shape3, place: readonly number[]): number[] {
  return place.map((index, i) => Math.min((shape[i] as number) - 1, Math.max(0, index)));
}
