import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/**
 * The sform of a gzipped little-endian NIfTI-1 file: row-major 4x4, voxel index to RAS mm, turned to LPS
 * here.
 */
export function readNiftiAffine(file: string): number[] {
  const bytes = gunzipSync(readFileSync(file));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const SFORM_CODE = 254;
  const SROW_X = 280;
  if (view.getInt16(SFORM_CODE, true) <= 0) throw new Error(`${file} has no sform`);
  const rows = Array.from({ length: 12 }, (_, i) => view.getFloat32(SROW_X + 4 * i, true));
  return [...rows.map((value, i) => (i < 8 ? -value : value)), 0, 0, 0, 1];
}
