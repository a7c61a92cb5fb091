import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../coded-error.ts';

/** Space on the file system of a folder, in bytes. */
export interface DiskSpace {
  /** For this process; what is reserved for the administrator isn't in it. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** A folder that is yet to be made is looked for at the nearest one above it that is there. */
export async function diskSpace(folder: string): Promise<DiskSpace> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch (error) {
    const above = path.dirname(path.resolve(folder));
    if (codeOf(error) !== 'ENOENT' || above === path.resolve(folder)) throw error;
    return diskSpace(above);
  }
}
