import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { spacingBetweenSlices, spacingOf, type Volume } from '../../dicom/volume.ts';

/** What one axial slice of a CT shows. */
export interface SliceProfile {
  /** Of the slice's middle on the patient's axis, in mm; higher is nearer to the head. */
  readonly height: number;
  /** Area of the body with all that is in it, in cm2. */
  readonly bodyCm2: number;
  /** Extent of the body from side to side and from front to back, in mm. */
  readonly width: number;
  readonly depth: number;
  /** Shares of the body's area: lung, and bone with whatever is as dense. */
  readonly lung: number;
  readonly bone: number;
}

/** Distance of the points that are looked at in a slice, in mm: finer tells nothing more. */
const POINT_MM = 4;
/** Distance of the slices that are looked at, in mm. */
const SLICE_MM = 5;
/** CT numbers (HU) between air and body, of lung, and of bone. */
const BODY_HU = -500;
const LUNG_HU = { least: -980, most: -600 } as const;
const BONE_HU = 250;

/**
 * Looks at slices of an axial CT, in turns of the event loop: what is no air from the border inwards is body.
 * Thin things beside it, as the table, are left out: they do not hang together with it.
 * @param volume CT numbers (HU); the third axis along the patient's within 30 degrees
 */
export async function bodyProfile(volume: Volume): Promise<SliceProfile[]> {
  const { voxels, size, affine } = volume;
  const [nx, ny, nz] = size;
  const [sx, sy] = spacingOf(affine);
  const [stepX, stepY] = [Math.max(1, Math.round(POINT_MM / sx)), Math.max(1, Math.round(POINT_MM / sy))];
  const [w, h] = [Math.ceil(nx / stepX), Math.ceil(ny / stepY)];
  const cell = (stepX * sx * stepY * sy) / 100;
  const points = new Int16Array(w * h);
  const profile: SliceProfile[] = [];
  const stepZ = Math.max(1, Math.round(SLICE_MM / spacingBetweenSlices(affine)));
  for (let z = 0; z < nz; z += stepZ) {
    await turnOfTheLoop();
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) points[y * w + x] = voxels[x * stepX + nx * (y * stepY + ny * z)] as number;
    const inside = largestBody(points, w, h);
    let [area, lung, bone] = [0, 0, 0];
    const box = { x0: w, x1: -1, y0: h, y1: -1 };
    for (let i = 0; i < inside.length; i++) {
      if (inside[i] === 0) continue;
      const hu = points[i] as number;
      area++;
      if (hu >= LUNG_HU.least && hu <= LUNG_HU.most) lung++;
      if (hu >= BONE_HU) bone++;
      const [x, y] = [i % w, Math.floor(i / w)];
      box.x0 = Math.min(box.x0, x);
      box.x1 = Math.max(box.x1, x);
      box.y0 = Math.min(box.y0, y);
      box.y1 = Math.max(box.y1, y);
    }
    profile.push({
      height: (affine[10] as number) * z + (affine[11] as number),
      bodyCm2: area * cell,
      width: Math.max(0, box.x1 - box.x0 + 1) * stepX * sx,
      depth: Math.max(0, box.y1 - box.y0 + 1) * stepY * sy,
      lung: area === 0 ? 0 : lung / area,
      bone: area === 0 ? 0 : bone / area,
    });
  }
  return profile;
}

/** 1 where the largest body of a slice is, with the air in it. */
function largestBody(points: Int16Array, w: number, h: number): Uint8Array {
  const parts = new Int32Array(w * h);
  let largest = 0;
  let most = 0;
  for (let i = 0, part = 0; i < points.length; i++) {
    if (parts[i] !== 0 || (points[i] as number) < BODY_HU) continue;
    const count = fill(parts, i, ++part, w, h, (at) => (points[at] as number) >= BODY_HU);
    if (count > most) [largest, most] = [part, count];
  }
  // What the border does not reach without crossing it lies in the body.
  const outside = new Int32Array(w * h);
  const isFree = (at: number) => parts[at] !== largest;
  for (let x = 0; x < w; x++) for (const y of [0, h - 1]) fill(outside, y * w + x, 1, w, h, isFree);
  for (let y = 0; y < h; y++) for (const x of [0, w - 1]) fill(outside, y * w + x, 1, w, h, isFree);
  return Uint8Array.from(outside, (value) => (most > 0 && value === 0 ? 1 : 0));
}

/** Marks all that hangs together with a point over its four sides; gives how many points that are. */
function fill(
  marks: Int32Array,
  from: number,
  mark: number,
  w: number,
  h: number,
  belongs: (at: number) => boolean,
): number {
  if (marks[from] !== 0 || !belongs(from)) return 0;
  marks[from] = mark;
  const open = [from];
  let count = 0;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    count++;
    const x = at % w;
    const next = [x > 0 ? at - 1 : -1, x < w - 1 ? at + 1 : -1, at - w, at + w < w * h ? at + w : -1];
    for (const one of next) {
      if (one < 0 || marks[one] !== 0 || !belongs(one)) continue;
      marks[one] = mark;
      open.push(one);
    }
  }
  return count;
}
