import { DicomError } from '../dicom-error.ts';
import type { StoredValues } from '../pixels/stored-values.ts';
import type { Rescale } from './rescale.ts';
import { rescaleInto } from './rescale-into.ts';

/**
 * 2 GiB of Int16: more than any scanner's series, and a volume that a header makes up must not fill the
 * memory.
 */
const MAX_VOXELS = 2 ** 30;

/**
 * Planes of real values, written in any order. They are Int16 as long as every slope and intercept is an
 * integer and all values fit, then Float32.
 */
export class VoxelPlanes {
  readonly #planeLength: number;
  #voxels: Int16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

  /** Throws DICOM_GEOMETRY for a volume that no series has. */
  constructor(planes: number, planeLength: number, integer = true) {
    const length = planes * planeLength;
    if (length > MAX_VOXELS) {
      const what = `${planes} planes of ${planeLength} pixels are more than ${MAX_VOXELS} voxels`;
      throw new DicomError('DICOM_GEOMETRY', `the series is too large: ${what}`);
    }
    this.#planeLength = planeLength;
    this.#voxels = integer ? new Int16Array(length) : new Float32Array(length);
  }

  /** The voxels of planes 0 to `planes` - 1. */
  voxels(planes: number): Int16Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
    const length = planes * this.#planeLength;
    return length === this.#voxels.length ? this.#voxels : this.#voxels.slice(0, length);
  }

  write(plane: number, stored: StoredValues, rescale: Rescale): void {
    this.#makeRoom(plane + 1);
    const offset = plane * this.#planeLength;
    const integer = Number.isInteger(rescale.slope) && Number.isInteger(rescale.intercept);
    if (this.#voxels instanceof Int16Array) {
      if (integer && rescaleInto(this.#voxels, offset, stored, rescale)) return;
      this.#voxels = new Float32Array(this.#voxels);
    }
    rescaleInto(this.#voxels, offset, stored, rescale);
  }

  /** Puts the planes into another order, in place: plane k will be what plane `order[k]` was. */
  arrange(order: readonly number[]): void {
    const [voxels, length] = [this.#voxels, this.#planeLength];
    const done = new Uint8Array(order.length);
    for (let start = 0; start < order.length; start += 1) {
      if (done[start] || order[start] === start) continue;
      const first = voxels.slice(start * length, (start + 1) * length);
      let to = start;
      for (;;) {
        done[to] = 1;
        const from = order[to] ?? start;
        if (from === start) break;
        voxels.copyWithin(to * length, from * length, (from + 1) * length);
        to = from;
      }
      voxels.set(first, to * length);
    }
  }

  #makeRoom(planes: number): void {
    const length = planes * this.#planeLength;
    if (length <= this.#voxels.length) return;
    const GROWTH = 1.25;
    const grown = new VoxelPlanes(
      Math.max(planes, Math.ceil((GROWTH * this.#voxels.length) / this.#planeLength)),
      this.#planeLength,
      this.#voxels instanceof Int16Array,
    );
    grown.#voxels.set(this.#voxels);
    this.#voxels = grown.#voxels;
  }
}
