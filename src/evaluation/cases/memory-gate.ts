import { stat } from 'node:fs/promises';
import { withByteReader } from '../../nifti/byte-reader.ts';
import { LONGEST_HEADER, readHeader } from '../../nifti/header.ts';
import { type CaseSource, filesOf } from '../sources/sources.ts';

/** Lets work begin as long as all that is under way needs no more than the limit; one alone always may. */
export class MemoryGate {
  readonly #limit: number;
  readonly #most: number;
  #used = 0;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param most works at a time */
  constructor(limitBytes: number, most: number) {
    this.#limit = limitBytes;
    this.#most = most;
  }

  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const fits = () =>
      this.#running === 0 || (this.#running < this.#most && this.#used + bytes <= this.#limit);
    while (!fits()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#used += bytes;
    this.#running++;
    try {
      return await work();
    } finally {
      this.#used -= bytes;
      this.#running--;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }
}

/** A thread with its code. */
const THREAD_BYTES = 100e6;
/** Cut masks, surfaces and distances of a mask that fills its image, per voxel. */
const WORST_BYTES = 8;
/** DICOM: of a file's bytes, which may be compressed, to its voxels in memory. */
const DICOM_GROWTH = 8;

/** About how many bytes measuring a case needs at most. */
export async function bytesFor(source: CaseSource): Promise<number> {
  let most = 0;
  let masks = 0;
  let dicom = 0;
  for (const file of filesOf(source)) {
    if (/\.nii(\.gz)?$/i.test(file)) {
      const { voxels, bytes } = await sizeOf(file);
      masks += voxels;
      // The file's values and their real values, while the mask is made.
      most = Math.max(most, bytes + (4 + WORST_BYTES) * voxels);
    } else dicom += (await stat(file)).size * DICOM_GROWTH;
  }
  return THREAD_BYTES + most + masks + dicom;
}

function sizeOf(file: string): Promise<{ voxels: number; bytes: number }> {
  return withByteReader(file, async (reader) => {
    const start = new Uint8Array(LONGEST_HEADER);
    const header = readHeader(start.subarray(0, await reader.readInto(start)), file);
    return { voxels: header.voxelBytes / header.type.bytes, bytes: header.voxelBytes };
  });
}
