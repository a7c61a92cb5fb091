import type { Size } from '../../dicom/volume.ts';
import type { Grid } from './field.ts';
import type { Random } from './random.ts';

/**
 * A smooth random field on a grid, mean 0: normal numbers on a lattice of `pitch` mm in patient space,
 * interpolated.
 */
export function smoothField({ size, affine }: Grid, pitch: number, random: Random): Float32Array {
  const [nx, ny, nz] = size;
  const lattice = new Float32Array(LATTICE ** 3);
  for (let i = 0; i < lattice.length; i++) lattice[i] = random.gaussian();
  const out = new Float32Array(nx * ny * nz);
  const m = affine.map((v) => v / pitch);
  const [ux = 0, vx = 0, wx = 0] = [m[0], m[4], m[8]];
  let index = 0;
  for (let z = 0; z < nz; z++)
    for (let y = 0; y < ny; y++) {
      const u0 = (m[1] ?? 0) * y + (m[2] ?? 0) * z + (m[3] ?? 0);
      const v0 = (m[5] ?? 0) * y + (m[6] ?? 0) * z + (m[7] ?? 0);
      const w0 = (m[9] ?? 0) * y + (m[10] ?? 0) * z + (m[11] ?? 0);
      for (let x = 0; x < nx; x++, index++)
        out[index] = interpolate(lattice, u0 + ux * x, v0 + vx * x, w0 + wx * x);
    }
  return out;
}

/** Lattice points along each axis; the lattice repeats beyond. A power of two, so that wrapping is a mask. */
const LATTICE = 32;
const WRAP = LATTICE - 1;

function interpolate(lattice: Float32Array, u: number, v: number, w: number): number {
  const i = Math.floor(u);
  const j = Math.floor(v);
  const k = Math.floor(w);
  const fx = u - i;
  const fy = v - j;
  const i0 = i & WRAP;
  const i1 = (i + 1) & WRAP;
  const j0 = (j & WRAP) * LATTICE;
  const j1 = ((j + 1) & WRAP) * LATTICE;
  const below = plane(lattice, (k & WRAP) * LATTICE * LATTICE, i0, i1, j0, j1, fx, fy);
  const above = plane(lattice, ((k + 1) & WRAP) * LATTICE * LATTICE, i0, i1, j0, j1, fx, fy);
  return below + (w - k) * (above - below);
}

function plane(
  lattice: Float32Array,
  start: number,
  i0: number,
  i1: number,
  j0: number,
  j1: number,
  fx: number,
  fy: number,
): number {
  const a = lattice[start + j0 + i0] ?? 0;
  const b = lattice[start + j0 + i1] ?? 0;
  const c = lattice[start + j1 + i0] ?? 0;
  const d = lattice[start + j1 + i1] ?? 0;
  const near = a + fx * (b - a);
  return near + fy * (c + fx * (d - c) - near);
}

/**
 * Adds normal noise of standard deviation `sd`, correlated over neighbouring pixels as a soft kernel leaves
 * it.
 */
export function addCtNoise(image: Float32Array, [nx, ny, nz]: Size, sd: number, random: Random): void {
  const white = new Float32Array(nx * ny);
  for (let z = 0; z < nz; z++) {
    for (let i = 0; i < white.length; i++) white[i] = random.gaussian();
    const start = z * nx * ny;
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++) {
        const i = x + nx * y;
        const left = white[x > 0 ? i - 1 : i] ?? 0;
        const right = white[x < nx - 1 ? i + 1 : i] ?? 0;
        const up = white[y > 0 ? i - nx : i] ?? 0;
        const down = white[y < ny - 1 ? i + nx : i] ?? 0;
        const sum = (white[i] ?? 0) * 2 + left + right + up + down;
        image[start + i] = (image[start + i] ?? 0) + sd * KERNEL_GAIN * sum;
      }
  }
}

/** The kernel (2 in the middle, 1 on four neighbours) would multiply the spread by sqrt(8). */
const KERNEL_GAIN = 1 / Math.sqrt(8);

/**
 * Magnitude of a complex signal with normal noise of standard deviation `sd` in both parts, as MR magnitude
 * images have it.
 */
export function addRicianNoise(image: Float32Array, sd: number, random: Random): void {
  for (let i = 0; i < image.length; i++) {
    const real = (image[i] ?? 0) + sd * random.gaussian();
    const imaginary = sd * random.gaussian();
    image[i] = Math.sqrt(real * real + imaginary * imaginary);
  }
}
