import type { VoxelArray } from '../../dicom/volume.ts';
import { type Array3, elements, type Shape3 } from '../array3.ts';
import { SegmentationError } from '../errors.ts';

/** A box of voxels: first index and length along each axis, slowest axis first. */
export interface Box {
  readonly start: Shape3;
  readonly shape: Shape3;
}

/**
 * The bounding box of all voxels that aren't zero, as nnU-Net's create_nonzero_mask sees them (NaN counts as
 * nonzero).
 */
export function nonzeroBox({ data, shape }: Array3): Box {
  const [n0, n1, n2] = shape;
  const low = [n0, n1, n2];
  const high = [-1, -1, -1];
  const include = (axis: number, index: number) => {
    low[axis] = Math.min(low[axis] as number, index);
    high[axis] = Math.max(high[axis] as number, index);
  };
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      const row = (i * n1 + j) * n2;
      let first = 0;
      while (first < n2 && data[row + first] === 0) first++;
      if (first === n2) continue;
      let last = n2 - 1;
      while (data[row + last] === 0) last--;
      include(0, i);
      include(1, j);
      include(2, first);
      include(2, last);
    }
  }
  if (high[0] === -1) {
    throw new SegmentationError(
      'VOLUME_UNUSABLE',
      `every one of the ${n2}x${n1}x${n0} voxels is 0: nothing to segment`,
    );
  }
  const [l0, l1, l2] = low as [number, number, number];
  const [h0, h1, h2] = high as [number, number, number];
  return { start: [l0, l1, l2], shape: [h0 - l0 + 1, h1 - l1 + 1, h2 - l2 + 1] };
}

/**
 * Copies a box out as float32. NaN becomes 0, as nnU-Net's preprocessing does; infinite values are refused.
 */
export function cropToFloat32(source: Array3, box: Box): Array3<Float32Array> {
  const cropped = new Float32Array(elements(box.shape));
  let target = 0;
  for (const row of rowsOf(source.shape, box)) {
    for (let k = row; k < row + box.shape[2]; k++) {
      const value = source.data[k] as number;
      if (!Number.isFinite(value) && !Number.isNaN(value)) {
        throw new SegmentationError(
          'VOLUME_UNUSABLE',
          `the voxel with index ${k} is ${value}: the image is damaged`,
        );
      }
      cropped[target++] = Number.isNaN(value) ? 0 : value;
    }
  }
  return { data: cropped, shape: box.shape };
}

/** Writes an array into its box of a larger one whose other values stay as they are. */
export function placeInBox<T extends VoxelArray>(part: Array3<T>, box: Box, whole: Array3<T>): void {
  let source = 0;
  for (const row of rowsOf(whole.shape, box)) {
    whole.data.set(part.data.subarray(source, source + box.shape[2]), row);
    source += box.shape[2];
  }
}

/** Index of the first voxel of each row of the box, in order. */
function* rowsOf(shape: Shape3, { start, shape: size }: Box): Generator<number> {
  for (let i = start[0]; i < start[0] + size[0]; i++) {
    for (let j = start[1]; j < start[1] + size[1]; j++) yield (i * shape[1] + j) * shape[2] + start[2];
  }
}

/**
 * The voxels that aren't zero, holes filled, as scipy.ndimage.binary_fill_holes does: zeros that cannot be
 * reached from the border over shared faces count as inside.
 */
export function nonzeroMask({ data, shape }: Array3<Float32Array>): Array3<Uint8Array> {
  const [n0, n1, n2] = shape;
  const inside = new Uint8Array(data.length).fill(1);
  const pending: number[] = [];
  const visit = (index: number) => {
    if (inside[index] === 0 || data[index] !== 0) return;
    inside[index] = 0;
    pending.push(index);
  };
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      const row = (i * n1 + j) * n2;
      const wholeRow = i === 0 || i === n0 - 1 || j === 0 || j === n1 - 1;
      for (let k = 0; k < n2; k += wholeRow ? 1 : Math.max(1, n2 - 1)) visit(row + k);
    }
  }
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    const k = index % n2;
    const j = Math.floor(index / n2) % n1;
    const i = Math.floor(index / (n2 * n1));
    if (k > 0) visit(index - 1);
    if (k < n2 - 1) visit(index + 1);
    if (j > 0) visit(index - n2);
    if (j < n1 - 1) visit(index + n2);
    if (i > 0) visit(index - n1 * n2);
    if (i < n0 - 1) visit(index + n1 * n2);
  }
  return { data: inside, shape };
}
