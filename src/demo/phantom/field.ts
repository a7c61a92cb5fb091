import type { Affine, Size } from '../../dicom/volume.ts';
import { type Ellipsoid, type Shape, type Tube, tubeCentre } from './shapes.ts';

/** A grid to render on: voxel counts and the index-to-patient affine (mm, LPS). */
export interface Grid {
  readonly size: Size;
  readonly affine: Affine;
}

/**
 * A shape's implicit function on the part of a grid that it can touch: negative inside.
 * Box from `low`, `count` voxels along each axis, x fastest.
 */
export interface Field {
  readonly low: readonly [number, number, number];
  readonly count: readonly [number, number, number];
  readonly values: Float32Array;
  /** Where |f| is larger, no surface cuts the voxel: half the most that f can change across one. */
  readonly bound: number;
}

/** Evaluates a shape at the voxel centres of a grid; undefined where it lies wholly outside. */
export function evaluate(shape: Shape, grid: Grid): Field | undefined {
  const geometry = new GridGeometry(grid);
  return shape.kind === 'tube' ? tubeField(shape, geometry) : ellipsoidField(shape, geometry);
}

/**
 * How much of a voxel lies inside, from the implicit function alone: to first order the surface cuts the
 * voxel where f crosses 0, and f changes by |df/di| + |df/dj| + |df/dk| across the voxel.
 */
export function coverage(
  field: Field,
  index: number,
  x: number,
  y: number,
  z: number,
  offset: number,
): number {
  const { values, count } = field;
  const f = (values[index] ?? 0) + offset;
  if (f >= field.bound) return 0;
  if (f <= -field.bound) return 1;
  const dx = slope(values, index, x, count[0], 1);
  const dy = slope(values, index, y, count[1], count[0]);
  const dz = slope(values, index, z, count[2], count[0] * count[1]);
  const width = dx + dy + dz;
  if (f >= 0.5 * width) return 0;
  if (f <= -0.5 * width) return 1;
  return 0.5 - f / width;
}

function slope(values: Float32Array, index: number, at: number, count: number, stride: number): number {
  if (count === 1) return 0;
  const before = at > 0 ? index - stride : index;
  const after = at < count - 1 ? index + stride : index;
  const change = (values[after] ?? 0) - (values[before] ?? 0);
  return Math.abs(change) / (at > 0 && at < count - 1 ? 2 : 1);
}

class GridGeometry {
  readonly size: Size;
  readonly affine: Affine;
  /** Patient to index, 3x3 row-major. */
  readonly inverse: number[];
  /** Sum of the voxel's edge lengths, mm: no surface further than this from a voxel's centre cuts it. */
  readonly reach: number;

  constructor({ size, affine }: Grid) {
    this.size = size;
    this.affine = affine;
    const [a = 0, b = 0, c = 0, , d = 0, e = 0, f = 0, , g = 0, h = 0, i = 0] = affine;
    const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
    this.inverse = [
      e * i - f * h,
      c * h - b * i,
      b * f - c * e,
      f * g - d * i,
      a * i - c * g,
      c * d - a * f,
      d * h - e * g,
      b * g - a * h,
      a * e - b * d,
    ].map((v) => v / det);
    this.reach = Math.hypot(a, d, g) + Math.hypot(b, e, h) + Math.hypot(c, f, i);
  }

  /**
   * Smallest index box (clipped, one voxel of margin) that holds a patient-space ball of half-widths `half`
   * around a centre.
   */
  box(centre: readonly number[], half: readonly number[]): { low: number[]; high: number[] } | undefined {
    const low: number[] = [];
    const high: number[] = [];
    for (let i = 0; i < 3; i++) {
      let middle = 0;
      let extent = 0;
      for (let j = 0; j < 3; j++) {
        const entry = this.inverse[i * 3 + j] ?? 0;
        middle += entry * ((centre[j] ?? 0) - (this.affine[j * 4 + 3] ?? 0));
        extent += Math.abs(entry) * (half[j] ?? 0);
      }
      const size = this.size[i] ?? 0;
      low.push(Math.max(0, Math.floor(middle - extent) - 1));
      high.push(Math.min(size - 1, Math.ceil(middle + extent) + 1));
      if ((low[i] ?? 0) > (high[i] ?? 0)) return undefined;
    }
    return { low, high };
  }
}

function emptyField({ low, high }: { low: number[]; high: number[] }, fill: number, bound: number): Field {
  const [lx = 0, ly = 0, lz = 0] = low;
  const [hx = 0, hy = 0, hz = 0] = high;
  const count = [hx - lx + 1, hy - ly + 1, hz - lz + 1] as const;
  const values = new Float32Array(count[0] * count[1] * count[2]).fill(fill);
  return { low: [lx, ly, lz], count, values, bound };
}

function ellipsoidField(shape: Ellipsoid, geometry: GridGeometry): Field | undefined {
  const m = shape.axes;
  const box = geometry.box(shape.centre, halfWidths(shape, geometry.reach));
  if (!box) return undefined;
  const steepness = Math.max(...[0, 3, 6].map((i) => Math.hypot(m[i] ?? 0, m[i + 1] ?? 0, m[i + 2] ?? 0)));
  const rippled = 1 + 2 * (shape.ripple?.amplitude ?? 0) * (shape.ripple?.frequency ?? 0);
  const field = emptyField(box, 0, 0.5 * geometry.reach * steepness * rippled * SQUARE_CORNER);
  const [nx, ny, nz] = field.count;
  const q = (i: number, column: number) =>
    [0, 1, 2].reduce((sum, k) => sum + (m[i * 3 + k] ?? 0) * (geometry.affine[k * 4 + column] ?? 0), 0);
  const start = (i: number) =>
    q(i, 3) -
    [0, 1, 2].reduce((sum, k) => sum + (m[i * 3 + k] ?? 0) * (shape.centre[k] ?? 0), 0) +
    [0, 1, 2].reduce((sum, axis) => sum + q(i, axis) * (field.low[axis] ?? 0), 0);
  const [ax, ay, az, a0] = [q(0, 0), q(0, 1), q(0, 2), start(0)];
  const [bx, by, bz, b0] = [q(1, 0), q(1, 1), q(1, 2), start(1)];
  const [cx, cy, cz, c0] = [q(2, 0), q(2, 1), q(2, 2), start(2)];
  const { squareness, ripple } = shape;
  let index = 0;
  for (let z = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, index++) {
        const u = a0 + ax * x + ay * y + az * z;
        const v = b0 + bx * x + by * y + bz * z;
        const w = c0 + cx * x + cy * y + cz * z;
        const uu = u * u;
        const vv = v * v;
        const ww = w * w;
        let f = Math.sqrt(uu + vv + ww) - 1;
        if (squareness > 0) f += squareness * (Math.sqrt(Math.sqrt(uu * uu + vv * vv + ww * ww)) - 1 - f);
        if (ripple && f < 0.5 && f > -0.5) f += rippleAt(ripple, u, v, w);
        field.values[index] = f;
      }
  return field;
}

/** A rounded box reaches further than its ellipsoid, and is steeper, by at most this. */
const SQUARE_CORNER = 1.32;

/** Half-length of an endless cylinder, mm: longer than any image. */
const ENDLESS_MM = 1e4;

/**
 * Half-widths in patient space of an ellipsoid: the norms of the rows of the inverse of its axes. As axes =
 * diag(1/r) R^T with R orthogonal, that inverse is R diag(r), and an endless axis is at right angles to the
 * other two.
 */
function halfWidths({ axes, squareness, ripple }: Ellipsoid, reach: number): number[] {
  const squares = [0, 0, 0];
  const free = [1, 1, 1];
  for (let i = 0; i < 3; i++) {
    const row = axes.slice(i * 3, i * 3 + 3);
    const norm2 = row.reduce((sum, v) => sum + v * v, 0);
    if (norm2 === 0) continue;
    for (const [j, v] of row.entries()) {
      squares[j] = (squares[j] ?? 0) + (v / norm2) ** 2;
      free[j] = (free[j] ?? 0) - v ** 2 / norm2;
    }
  }
  const endless = axes.slice(6).every((v) => v === 0);
  const room = (1 + (ripple?.amplitude ?? 0)) * (squareness > 0 ? SQUARE_CORNER : 1);
  return squares.map(
    (square, j) =>
      Math.sqrt(square) * room + reach + (endless ? Math.sqrt(Math.max(0, free[j] ?? 0)) * ENDLESS_MM : 0),
  );
}

function rippleAt(
  { amplitude, frequency, phase }: NonNullable<Shape['ripple']>,
  u: number,
  v: number,
  w: number,
) {
  return (
    amplitude *
    Math.sin(frequency * u + phase) *
    Math.sin(frequency * 0.83 * v + 2 * phase) *
    Math.sin(frequency * 1.11 * w + 3 * phase)
  );
}

function tubeField(shape: Tube, geometry: GridGeometry): Field | undefined {
  const { samples, ripple } = shape;
  const cap = geometry.reach + (ripple?.amplitude ?? 0);
  const bounds = tubeBounds(samples, cap);
  const box = geometry.box(bounds.centre, bounds.half);
  if (!box) return undefined;
  const steepest = 1 + 2 * (ripple?.amplitude ?? 0) * (ripple?.frequency ?? 0);
  const field = emptyField(box, cap, 0.5 * geometry.reach * steepest);
  for (let s = 0; s + 7 < samples.length; s += 4) capsule(samples, s, cap, geometry, field);
  if (ripple) addRipple(field, geometry, ripple, tubeCentre(shape), cap);
  return field;
}

function tubeBounds(samples: Float64Array, margin: number) {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < samples.length; i += 4)
    for (let c = 0; c < 3; c++) {
      const [p, r] = [samples[i + c] ?? 0, samples[i + 3] ?? 0];
      low[c] = Math.min(low[c] ?? 0, p - r - margin);
      high[c] = Math.max(high[c] ?? 0, p + r + margin);
    }
  return {
    centre: low.map((l, c) => (l + (high[c] ?? 0)) / 2),
    half: low.map((l, c) => ((high[c] ?? 0) - l) / 2),
  };
}

/** Takes one segment of a tube (a cone with round ends) into the field: the smaller distance wins. */
function capsule(samples: Float64Array, s: number, cap: number, geometry: GridGeometry, field: Field): void {
  const [px = 0, py = 0, pz = 0, r0 = 0, qx = 0, qy = 0, qz = 0, r1 = 0] = samples.subarray(s, s + 8);
  const dx = qx - px;
  const dy = qy - py;
  const dz = qz - pz;
  const length2 = Math.max(1e-9, dx * dx + dy * dy + dz * dz);
  const margin = Math.max(r0, r1) + cap;
  const box = geometry.box(
    [(px + qx) / 2, (py + qy) / 2, (pz + qz) / 2],
    [Math.abs(dx) / 2 + margin, Math.abs(dy) / 2 + margin, Math.abs(dz) / 2 + margin],
  );
  if (!box) return;
  const { low, count, values } = field;
  const m = geometry.affine;
  const { 0: mx = 0, 4: my = 0, 8: mz = 0 } = m;
  const [x0 = 0, y0 = 0, z0 = 0] = box.low.map((v, i) => Math.max(v, low[i] ?? 0));
  const [x1 = 0, y1 = 0, z1 = 0] = box.high.map((v, i) => Math.min(v, (low[i] ?? 0) + (count[i] ?? 0) - 1));
  for (let z = z0; z <= z1; z++)
    for (let y = y0; y <= y1; y++) {
      const ex = (m[1] ?? 0) * y + (m[2] ?? 0) * z + (m[3] ?? 0) - px;
      const ey = (m[5] ?? 0) * y + (m[6] ?? 0) * z + (m[7] ?? 0) - py;
      const ez = (m[9] ?? 0) * y + (m[10] ?? 0) * z + (m[11] ?? 0) - pz;
      let index = x0 - low[0] + count[0] * (y - low[1] + count[1] * (z - low[2]));
      for (let x = x0; x <= x1; x++, index++) {
        const vx = ex + mx * x;
        const vy = ey + my * x;
        const vz = ez + mz * x;
        const t = Math.min(1, Math.max(0, (vx * dx + vy * dy + vz * dz) / length2));
        const wx = vx - t * dx;
        const wy = vy - t * dy;
        const wz = vz - t * dz;
        const distance = Math.sqrt(wx * wx + wy * wy + wz * wz) - r0 - t * (r1 - r0);
        if (distance < (values[index] ?? 0)) values[index] = distance;
      }
    }
}

function addRipple(
  { low, count, values }: Field,
  { affine: m }: GridGeometry,
  ripple: NonNullable<Shape['ripple']>,
  centre: readonly [number, number, number],
  cap: number,
): void {
  let index = 0;
  for (let z = 0; z < count[2]; z++)
    for (let y = 0; y < count[1]; y++)
      for (let x = 0; x < count[0]; x++, index++) {
        const value = values[index] ?? 0;
        if (value >= cap || value < -cap) continue;
        const i = x + low[0];
        const j = y + low[1];
        const k = z + low[2];
        const px = (m[0] ?? 0) * i + (m[1] ?? 0) * j + (m[2] ?? 0) * k + (m[3] ?? 0) - centre[0];
        const py = (m[4] ?? 0) * i + (m[5] ?? 0) * j + (m[6] ?? 0) * k + (m[7] ?? 0) - centre[1];
        const pz = (m[8] ?? 0) * i + (m[9] ?? 0) * j + (m[10] ?? 0) * k + (m[11] ?? 0) - centre[2];
        values[index] = value + rippleAt(ripple, px, py, pz);
      }
}
