import type { Size } from '../../dicom/volume.ts';
import type { Spacing } from './mask-pair.ts';

/** No site in the column. */
const NONE = 0xffff;

/**
 * Euclidean distances, in mm, from some voxels to the nearest site of a grid: exact, in time linear in the
 * voxels (Felzenszwalb and Huttenlocher, Distance transforms of sampled functions, 2012; the first pass as in
 * Maurer et al. 2003). Along z, distances are counted in voxels, two bytes each; along x and y, slice by
 * slice, the lower envelope of parabolas is taken, and its values are kept only where they are asked for. So
 * little more than two bytes a voxel is needed.
 *
 * @param sites not 0 at the sites, z-y-x order, x fastest; there has to be one
 * @param asked not 0 where the distance is wanted
 * @param count how many are asked
 * @returns in the order of the grid
 */
export function distancesTo(
  sites: Uint8Array,
  asked: Uint8Array,
  count: number,
  size: Size,
  [sx, sy, sz]: Spacing,
): Float64Array {
  const [nx, ny, nz] = size;
  if (nz >= NONE) throw new RangeError(`${nz} slices are too many`);
  const alongZ = stepsAlongZ(sites, size);
  const distances = new Float64Array(count);
  const slice = nx * ny;
  const plane = new Float64Array(slice);
  const envelope = new Envelope(Math.max(nx, ny));
  let found = 0;
  for (let z = 0; z < nz; z++) {
    const start = z * slice;
    if (!hasAny(asked, start, start + slice)) continue;
    for (let i = 0; i < slice; i++) {
      const steps = alongZ[start + i] as number;
      plane[i] = steps === NONE ? Number.POSITIVE_INFINITY : (steps * sz) ** 2;
    }
    for (let y = 0; y < ny; y++) envelope.lower(plane, y * nx, 1, nx, sx);
    for (let x = 0; x < nx; x++) envelope.lower(plane, x, nx, ny, sy);
    for (let i = 0; i < slice; i++)
      if (asked[start + i] !== 0) distances[found++] = Math.sqrt(plane[i] as number);
  }
  return distances;
}

function hasAny(mask: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (mask[i] !== 0) return true;
  return false;
}

/** To the nearest site above or below, in slices. */
function stepsAlongZ(sites: Uint8Array, [nx, ny, nz]: Size): Uint16Array {
  const slice = nx * ny;
  const steps = new Uint16Array(sites.length);
  for (let i = 0; i < sites.length; i++) {
    const before = i < slice ? NONE : (steps[i - slice] as number);
    steps[i] = sites[i] !== 0 ? 0 : before === NONE ? NONE : before + 1;
  }
  for (let i = slice * (nz - 1) - 1; i >= 0; i--) {
    const after = steps[i + slice] as number;
    if (after !== NONE && after + 1 < (steps[i] as number)) steps[i] = after + 1;
  }
  return steps;
}

/** The lower envelope of the parabolas that stand on a row of squared distances. */
class Envelope {
  readonly #values: Float64Array;
  readonly #places: Int32Array;
  readonly #from: Float64Array;

  constructor(longest: number) {
    this.#values = new Float64Array(longest);
    this.#places = new Int32Array(longest);
    this.#from = new Float64Array(longest + 1);
  }

  /** Replaces `length` values, `stride` apart, by the least of value + (spacing * steps)^2 over the row. */
  lower(plane: Float64Array, start: number, stride: number, length: number, spacing: number): void {
    const values = this.#values;
    const places = this.#places;
    const from = this.#from;
    const square = spacing * spacing;
    let last = -1;
    for (let q = 0; q < length; q++) {
      const value = plane[start + q * stride] as number;
      values[q] = value;
      if (value === Number.POSITIVE_INFINITY) continue;
      let meets = Number.NEGATIVE_INFINITY;
      while (last >= 0) {
        const p = places[last] as number;
        // Where the parabola at q goes below that at p.
        meets = (value - (values[p] as number)) / (2 * square * (q - p)) + (q + p) / 2;
        if (meets > (from[last] as number)) break;
        last--;
      }
      last++;
      places[last] = q;
      from[last] = last === 0 ? Number.NEGATIVE_INFINITY : meets;
    }
    if (last < 0) return;
    from[last + 1] = Number.POSITIVE_INFINITY;
    for (let q = 0, k = 0; q < length; q++) {
      while ((from[k + 1] as number) < q) k++;
      const p = places[k] as number;
      const steps = (q - p) * spacing;
      plane[start + q * stride] = (values[p] as number) + steps * steps;
    }
  }
}
