import type { Volume } from '../../dicom/volume.ts';
import { SegmentationError } from '../segmentation-error.ts';

/** The middle of a slice, on either axis: where the body is, and no border, ruler or burnt-in text. */
const MIDDLE = { from: 0.25, to: 0.75 } as const;

/**
 * Refuses what shows nothing: the middle of all slices, or a whole slice between others, is one value. No
 * body is: such images were erased, or lost their pixels on the way, and "nothing found" would be said of
 * a patient whom nobody looked at.
 * @throws {SegmentationError} VOLUME_UNUSABLE
 */
export function refuseUniform({ voxels, size: [nx, ny, nz] }: Volume): void {
  const inMiddle = (length: number) =>
    [Math.floor(length * MIDDLE.from), Math.ceil(length * MIDDLE.to)] as const;
  const [[x0, x1], [y0, y1]] = [inMiddle(nx), inMiddle(ny)];
  const plane = (z: number) => z * nx * ny;
  const value = voxels[y0 * nx + x0];
  const isUniform = (
    z: number,
    [left, right]: readonly [number, number],
    rows: readonly [number, number],
  ) => {
    const first = voxels[plane(z) + rows[0] * nx + left];
    for (let y = rows[0]; y < rows[1]; y++) {
      const row = plane(z) + y * nx;
      for (let x = left; x < right; x++) if (voxels[row + x] !== first) return false;
    }
    return true;
  };
  const middles = Array.from({ length: nz }, (_, z) => isUniform(z, [x0, x1], [y0, y1]));
  const sameValue = () => middles.every((_, z) => voxels[plane(z) + y0 * nx + x0] === value);
  if (middles.every(Boolean) && sameValue()) {
    const what = `the middle of all ${nz} slices of ${nx} x ${ny} voxels is ${value} everywhere`;
    throw new SegmentationError('VOLUME_UNUSABLE', `${what}: the images show nothing`);
  }
  const blank = middles.map((uniform, z) => uniform && isUniform(z, [0, nx], [0, ny]));
  // Scanners may leave slices at the ends blank, where distortion was corrected.
  const hole = blank.findIndex((is, z) => is && z > blank.indexOf(false) && z < blank.lastIndexOf(false));
  if (hole === -1) return;
  const what = `slice ${hole + 1} of ${nz} is ${voxels[plane(hole)]} everywhere, between others that are not`;
  throw new SegmentationError('VOLUME_UNUSABLE', `${what}: its pixels were lost`);
}
