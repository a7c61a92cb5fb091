/** A point or direction in patient space, mm, LPS. */
export type Point = readonly [x: number, y: number, z: number];

/**
 * Surface ripple: `amplitude` times three sines, in the shape's own unit (mm for tubes, fractions for
 * ellipsoids).
 */
export interface Ripple {
  readonly amplitude: number;
  /** Angular frequency per unit of the shape's own coordinates. */
  readonly frequency: number;
  readonly phase: number;
}

/**
 * |q| - 1 with q = axes (p - centre), axes row-major 3x3. A zero third row makes an endless elliptic
 * cylinder. `squareness` 0 is an ellipse, 1 a rounded box (4-norm).
 */
export interface Ellipsoid {
  readonly kind: 'ellipsoid';
  readonly centre: Point;
  readonly axes: readonly number[];
  readonly squareness: number;
  readonly ripple?: Ripple;
}

/** Distance in mm to a curve of varying radius. `samples` holds x, y, z, radius for each point. */
export interface Tube {
  readonly kind: 'tube';
  readonly samples: Float64Array;
  readonly ripple?: Ripple;
}

export type Shape = Ellipsoid | Tube;

/** Rotation about x, then y, then z (radians), row-major 3x3. */
export function rotation(ax: number, ay: number, az: number): number[] {
  const [sx, cx, sy, cy, sz, cz] = [
    Math.sin(ax),
    Math.cos(ax),
    Math.sin(ay),
    Math.cos(ay),
    Math.sin(az),
    Math.cos(az),
  ];
  return [
    cz * cy,
    cz * sy * sx - sz * cx,
    cz * sy * cx + sz * sx,
    sz * cy,
    sz * sy * sx + cz * cx,
    sz * sy * cx - cz * sx,
    -sy,
    cy * sx,
    cy * cx,
  ];
}

/** How a whole patient is turned, scaled and moved: p' = scale * rotation * p + shift. */
export interface Placement {
  readonly rotation: readonly number[];
  readonly scale: number;
  readonly shift: Point;
}

export function place(placement: Placement, [x, y, z]: Point): [number, number, number] {
  const { rotation: r, scale, shift } = placement;
  const row = (i: number) =>
    scale * ((r[i * 3] ?? 0) * x + (r[i * 3 + 1] ?? 0) * y + (r[i * 3 + 2] ?? 0) * z) + (shift[i] ?? 0);
  return [row(0), row(1), row(2)];
}

/**
 * An ellipsoid of the given radii (mm; Infinity along z: a cylinder), turned by `tilt` within the placed
 * patient.
 */
export function ellipsoid(
  placement: Placement,
  centre: Point,
  radii: Point,
  options: { tilt?: readonly number[]; squareness?: number; ripple?: Ripple } = {},
): Ellipsoid {
  const tilt = options.tilt ?? IDENTITY;
  const axes: number[] = [];
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) {
      // axes = diag(1 / radius) * (patient rotation * tilt)^T / scale
      let entry = 0;
      for (let k = 0; k < 3; k++) entry += (placement.rotation[j * 3 + k] ?? 0) * (tilt[k * 3 + i] ?? 0);
      axes.push(entry / ((radii[i] ?? 1) * placement.scale));
    }
  const { ripple, squareness = 0 } = options;
  return {
    kind: 'ellipsoid',
    centre: place(placement, centre),
    axes,
    squareness,
    ...(ripple ? { ripple } : {}),
  };
}

const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** A smooth tube (Catmull-Rom) through control points with radii, placed in the patient. */
export function tube(
  placement: Placement,
  controls: readonly (readonly [x: number, y: number, z: number, radius: number])[],
  options: { ripple?: Ripple; steps?: number } = {},
): Tube {
  const steps = options.steps ?? 8;
  const at = (i: number) => controls[Math.min(controls.length - 1, Math.max(0, i))] ?? [0, 0, 0, 0];
  const count = (controls.length - 1) * steps + 1;
  const samples = new Float64Array(count * 4);
  for (let s = 0; s < count; s++) {
    const i = Math.min(controls.length - 2, Math.floor(s / steps));
    const t = s / steps - i;
    const [p0, p1, p2, p3] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    const value = (c: 0 | 1 | 2 | 3) => catmullRom(p0[c], p1[c], p2[c], p3[c], t);
    const [x, y, z] = place(placement, [value(0), value(1), value(2)]);
    samples.set([x, y, z, Math.max(0.5, value(3)) * placement.scale], s * 4);
  }
  return { kind: 'tube', samples, ...(options.ripple ? { ripple: options.ripple } : {}) };
}

function catmullRom(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/**
 * The tube scaled about its own centroid: lengths by the cube root, so that the volume changes by exactly
 * `volumeFactor`.
 */
export function scaleTube(shape: Tube, volumeFactor: number): Tube {
  const factor = Math.cbrt(volumeFactor);
  const centre = tubeCentre(shape);
  const samples = shape.samples.map((value, i) =>
    i % 4 === 3 ? value * factor : (centre[i % 4] ?? 0) + factor * (value - (centre[i % 4] ?? 0)),
  );
  const ripple = shape.ripple && {
    amplitude: shape.ripple.amplitude * factor,
    frequency: shape.ripple.frequency / factor,
    phase: shape.ripple.phase,
  };
  return { kind: 'tube', samples, ...(ripple ? { ripple } : {}) };
}

/**
 * Mean of the curve's samples; the ripple is counted from here too, so that it moves and scales with the
 * tube.
 */
export function tubeCentre({ samples }: Tube): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0];
  const count = samples.length / 4;
  for (let i = 0; i < count; i++)
    for (const c of [0, 1, 2] as const) sum[c] += (samples[i * 4 + c] ?? 0) / count;
  return sum;
}
