import { decode } from 'fast-png';
import type { Affine, Volume } from '../../src/dicom/volume.ts';

/**
 * Two pictures of the same part of the screen differ in a pixel from here on, of 255: what is below is
 * rounding.
 */
const VISIBLE_DIFFERENCE = 8;

/** The screen pixels where two screenshots differ, row by row: 1 where they do. */
export function differingPixels(one: Uint8Array, other: Uint8Array): Uint8Array {
  const [a, b] = [decode(one), decode(other)];
  if (a.width !== b.width || a.height !== b.height || a.channels !== b.channels) {
    throw new Error(
      `a screenshot of ${a.width} x ${a.height} is compared with one of ${b.width} x ${b.height}`,
    );
  }
  return Uint8Array.from({ length: a.width * a.height }, (_, pixel) => {
    for (let channel = 0; channel < 3; channel++) {
      const at = pixel * a.channels + channel;
      if (Math.abs((a.data[at] ?? 0) - (b.data[at] ?? 0)) > VISIBLE_DIFFERENCE) return 1;
    }
    return 0;
  });
}

/** Where the viewer says that the corners of its canvas lie in patient space (mm, LPS). */
export interface CanvasPlane {
  readonly width: number;
  readonly height: number;
  readonly topLeft: readonly number[];
  readonly topRight: readonly number[];
  readonly bottomLeft: readonly number[];
}

export interface ProjectedMask {
  /** 1 where the centre of a screen pixel lies in a voxel of the mask. */
  readonly pixels: Uint8Array;
  /**
   * The slice of the mask's grid that the canvas lies in, counted from 0, at its corners: a whole number if
   * it fits.
   */
  readonly slices: readonly number[];
}

/** The mask as it should be seen: the slice that the canvas cuts, at screen resolution. */
export function projectMask({ voxels, size, affine }: Volume<Uint8Array>, plane: CanvasPlane): ProjectedMask {
  const { width, height } = plane;
  const toVoxel = inverse(affine);
  const [start, right, bottom] = [plane.topLeft, plane.topRight, plane.bottomLeft].map(toVoxel);
  if (!start || !right || !bottom) throw new Error('the canvas has no corners');
  const at = (axis: number, x: number, y: number): number => {
    const from = start[axis] ?? 0;
    return from + (((right[axis] ?? 0) - from) * x) / width + (((bottom[axis] ?? 0) - from) * y) / height;
  };
  const [nx, ny] = size;
  const pixels = Uint8Array.from({ length: width * height }, (_, pixel) => {
    const [x, y] = [(pixel % width) + 0.5, Math.floor(pixel / width) + 0.5];
    const [i, j, k] = [0, 1, 2].map((axis) => Math.round(at(axis, x, y)));
    if (i === undefined || j === undefined || k === undefined) return 0;
    const inside = i >= 0 && i < nx && j >= 0 && j < ny && k >= 0 && k < size[2];
    return inside ? (voxels[i + nx * (j + ny * k)] ?? 0) : 0;
  });
  return { pixels, slices: [start, right, bottom].map((corner) => corner[2] ?? Number.NaN) };
}

/** From patient space (mm, LPS) to voxel indices. */
function inverse(affine: Affine): (point: readonly number[]) => number[] {
  const [a = 0, b = 0, c = 0, ox = 0, d = 0, e = 0, f = 0, oy = 0, g = 0, h = 0, i = 0, oz = 0] = affine;
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const rows = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ];
  return ([x = 0, y = 0, z = 0]) =>
    rows.map(([p = 0, q = 0, r = 0]) => (p * (x - ox) + q * (y - oy) + r * (z - oz)) / det);
}

/**
 * How far at most set pixels of `pixels` lie from the nearest of `mask`, in screen pixels; 0 where none is
 * outside.
 */
export function farthestOutside(pixels: Uint8Array, mask: Uint8Array, width: number): number {
  const edge: [number, number][] = [];
  mask.forEach((value, index) => {
    if (value) edge.push([index % width, Math.floor(index / width)]);
  });
  let farthest = 0;
  pixels.forEach((value, index) => {
    if (!value || mask[index]) return;
    const [x, y] = [index % width, Math.floor(index / width)];
    const nearest = edge.reduce((best, [ex, ey]) => Math.min(best, Math.hypot(ex - x, ey - y)), Infinity);
    farthest = Math.max(farthest, nearest);
  });
  return farthest;
}

/** The screen pixels whose centres a closed line from corner to corner encloses. */
export function enclosedPixels(
  corners: readonly (readonly number[])[],
  { width, height }: Pick<CanvasPlane, 'width' | 'height'>,
): Uint8Array {
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const y = row + 0.5;
    const crossings = corners
      .flatMap(([x0 = 0, y0 = 0], i) => {
        const [x1 = 0, y1 = 0] = corners[(i + 1) % corners.length] ?? [];
        return y0 <= y === y1 <= y ? [] : [x0 + ((x1 - x0) * (y - y0)) / (y1 - y0)];
      })
      .sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const [from, to] = [crossings[i] ?? 0, crossings[i + 1] ?? 0].map((x) => Math.round(x));
      pixels.fill(1, row * width + Math.max(0, from ?? 0), row * width + Math.min(width, to ?? 0));
    }
  }
  return pixels;
}
