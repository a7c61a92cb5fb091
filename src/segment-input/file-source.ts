import { open, readFile, stat } from 'node:fs/promises';

/** A file to be read, wherever it lies: on the disk, or in a zip file. */
export interface FileSource {
  /** What messages call it. */
  readonly name: string;
  /** Where it lies on the disk; undefined inside of a zip file. */
  readonly path: string | undefined;
  /** Its first bytes; fewer where it has fewer. */
  head(length: number): Promise<Uint8Array>;
  read(): Promise<Uint8Array>;
}

export function fileOnDisk(path: string): FileSource {
  return {
    name: path,
    path,
    head: async (length) => {
      const handle = await open(path);
      try {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, 0);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    },
    read: () => readFile(path),
  };
}

export async function isFile(path: string): Promise<boolean> {
  return (await stat(path)).isFile();
}
