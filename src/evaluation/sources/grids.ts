import type { Affine, Size } from '../../dicom/volume.ts';
import { EvaluationError } from '../evaluation-error.ts';
import type { Spacing } from '../metrics/mask-pair.ts';

export interface Grid {
  readonly size: Size;
  readonly affine: Affine;
  readonly spacing: Spacing;
}

/** Corners of one grid may differ by this share of the smallest spacing: headers round. */
const CORNER_TOLERANCE = 0.05;
/** Cosine between axes that still counts as a right angle: distances are wrong by less than this share. */
const RIGHT_ANGLE = 1e-3;

/** @throws {EvaluationError} GRID_SHEARED */
export function checkRightAngles({ affine }: Grid, name: string): void {
  const axis = (c: number): [number, number, number] => [
    affine[c] ?? 0,
    affine[4 + c] ?? 0,
    affine[8 + c] ?? 0,
  ];
  for (const [a, b] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    const [one, other] = [axis(a), axis(b)];
    const dot = one.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
    if (Math.abs(dot) <= RIGHT_ANGLE * Math.hypot(...one) * Math.hypot(...other)) continue;
    const problem = 'the axes of its grid do not stand at right angles; distances cannot be measured on it';
    throw new EvaluationError('GRID_SHEARED', `${name}: ${problem}`);
  }
}

/** Whether two grids have the same voxels, in the same order, at the same places. */
export function isSameGrid(a: Grid, b: Grid): boolean {
  if (a.size.some((n, axis) => n !== b.size[axis])) return false;
  const tolerance = CORNER_TOLERANCE * Math.min(...a.spacing);
  const ends = a.size.map((n) => [0, n - 1]);
  const [xs = [], ys = [], zs = []] = ends;
  return xs.every((x) =>
    ys.every((y) =>
      zs.every((z) => {
        const [p, q] = [pointOf(a.affine, x, y, z), pointOf(b.affine, x, y, z)];
        return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) <= tolerance;
      }),
    ),
  );
}

function pointOf(m: Affine, x: number, y: number, z: number): [number, number, number] {
  const row = (r: number) => (m[r] ?? 0) * x + (m[r + 1] ?? 0) * y + (m[r + 2] ?? 0) * z + (m[r + 3] ?? 0);
  return [row(0), row(4), row(8)];
}

/** A mask laid on another grid: each voxel takes the nearest one of the mask, or 0 outside of it. */
export function resampled(voxels: Uint8Array, from: Grid, to: Grid): Uint8Array {
  const inverse = inverted(from.affine);
  // From an index of `to` to one of `from`.
  const step = product(inverse, to.affine);
  const [nx, ny, nz] = from.size;
  const [mx, my, mz] = to.size;
  const result = new Uint8Array(mx * my * mz);
  for (let z = 0, index = 0; z < mz; z++)
    for (let y = 0; y < my; y++)
      for (let x = 0; x < mx; x++, index++) {
        const [px, py, pz] = pointOf(step, x, y, z);
        const [i, j, k] = [Math.round(px), Math.round(py), Math.round(pz)];
        if (i < 0 || j < 0 || k < 0 || i >= nx || j >= ny || k >= nz) continue;
        result[index] = voxels[i + nx * (j + ny * k)] as number;
      }
  return result;
}

function product(a: Affine, b: Affine): number[] {
  return Array.from({ length: 16 }, (_, i) => {
    const [r, c] = [4 * Math.floor(i / 4), i % 4];
    return [0, 1, 2, 3].reduce((sum, k) => sum + (a[r + k] ?? 0) * (b[4 * k + c] ?? 0), 0);
  });
}

function inverted(m: Affine): number[] {
  const [a = 0, b = 0, c = 0, p = 0, d = 0, e = 0, f = 0, q = 0, g = 0, h = 0, i = 0, r = 0] = m;
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const [x0, x1, x2] = [e * i - f * h, c * h - b * i, b * f - c * e].map((v) => v / determinant) as [
    number,
    number,
    number,
  ];
  const [y0, y1, y2] = [f * g - d * i, a * i - c * g, c * d - a * f].map((v) => v / determinant) as [
    number,
    number,
    number,
  ];
  const [z0, z1, z2] = [d * h - e * g, b * g - a * h, a * e - b * d].map((v) => v / determinant) as [
    number,
    number,
    number,
  ];
  const back = (u: number, v: number, w: number) => -(u * p + v * q + w * r);
  return [
    x0,
    x1,
    x2,
    back(x0, x1, x2),
    y0,
    y1,
    y2,
    back(y0, y1, y2),
    z0,
    z1,
    z2,
    back(z0, z1, z2),
    0,
    0,
    0,
    1,
  ];
}
