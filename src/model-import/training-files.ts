import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { SegmentationError } from '../segmentation/segmentation-error.ts';
import { RandomAccessFile } from './random-access-file.ts';
import { ZipArchive } from './zip-archive.ts';

/** What training wrote, in a folder or in an archive. */
export interface TrainingFiles {
  /** Absolute path of the folder or archive. */
  readonly source: string;
  /** Whether a file has to be unpacked to be worked with. */
  readonly isArchive: boolean;
  /** Files that matter, relative to the source, with slashes. */
  readonly paths: readonly string[];
  /** @throws {SegmentationError} IMPORT_SOURCE: it is larger */
  readSmall(file: string, maxBytes: number): Promise<Uint8Array>;
  /** The same, with its place for messages. */
  given(file: string, maxBytes: number): Promise<GivenFile>;
  /**
   * Works with one file on disk. Out of an archive it is unpacked to `folder` first and removed afterwards,
   * so that no more than one is there at a time.
   */
  withFile<T>(
    file: string,
    folder: string,
    options: UnpackOptions,
    work: (file: string) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

/** A small file that was read. */
export interface GivenFile {
  readonly bytes: Uint8Array;
  /** For messages. */
  readonly where: string;
}

/** Written by nnU-Net itself. */
export const MAX_JSON_BYTES = 2 ** 20;
/** Some data sets list all of their cases. */
export const MAX_PLANS_BYTES = 2 ** 24;

interface UnpackOptions {
  /** Called only where there is something to unpack. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Of all that training leaves behind. Predictions on validation cases, which may be thousands, are none of
 * these.
 */
const RELEVANT = new RegExp(
  '(^|/)([^/]+\\.(model(\\.pkl)?|pth)|plans\\.(pkl|json)|dataset\\.json|' +
    'calibration(\\.\\w+)?\\.json|postprocessing\\.(json|pkl))$',
);

/** RESULTS_FOLDER/nnUNet/3d_fullres/Task109/trainer__plans/fold_0 has five levels below the first. */
const MAX_DEPTH = 8;

/** @throws {SegmentationError} IMPORT_SOURCE */
export async function openTrainingFiles(source: string): Promise<TrainingFiles> {
  const root = path.resolve(source);
  const info = await stat(root).catch((cause: unknown) => {
    throw new SegmentationError('IMPORT_SOURCE', `${root} is not there; expected a folder or a zip file`, {
      cause,
    });
  });
  const files = await (info.isDirectory() ? openFolder(root) : openArchive(root));
  return {
    ...files,
    given: async (file, maxBytes) => ({
      bytes: await files.readSmall(file, maxBytes),
      where: path.join(root, file),
    }),
  };
}

async function openFolder(root: string): Promise<Omit<TrainingFiles, 'given'>> {
  const paths: string[] = [];
  const list = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
      const name = path.posix.join(folder, entry.name);
      if (RELEVANT.test(name)) paths.push(name);
      else if (depth < MAX_DEPTH && (entry.isDirectory() || (await isLinkedFolder(root, name, entry))))
        await list(name, depth + 1);
    }
  };
  await list('', 0);
  return {
    source: root,
    isArchive: false,
    paths: paths.toSorted(),
    readSmall: async (file, maxBytes) => {
      const { size } = await stat(path.join(root, file));
      if (size > maxBytes)
        throw new SegmentationError(
          'IMPORT_SOURCE',
          `${path.join(root, file)} has ${size} bytes; expected at most ${maxBytes}`,
        );
      return readFile(path.join(root, file));
    },
    withFile: (file, _folder, _options, work) => work(path.join(root, file)),
    close: () => Promise.resolve(),
  };
}

/** Folders of results are often links to another disk. */
async function isLinkedFolder(
  root: string,
  name: string,
  entry: { isSymbolicLink(): boolean },
): Promise<boolean> {
  if (!entry.isSymbolicLink()) return false;
  return (await stat(path.join(root, name)).catch(() => undefined))?.isDirectory() ?? false;
}

const ZIP_START = Buffer.from([0x50, 0x4b, 0x03, 0x04]);

async function openArchive(file: string): Promise<Omit<TrainingFiles, 'given'>> {
  const handle = await RandomAccessFile.open(file, 'IMPORT_SOURCE');
  if (!Buffer.from(await handle.head(ZIP_START.length)).equals(ZIP_START)) {
    await handle.close();
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${file} is no zip file; expected nnU-Net's training output as a folder, or as a zip file of it`,
    );
  }
  const zip = await ZipArchive.open(handle, 'IMPORT_SOURCE');
  const entryOf = (name: string) => {
    const entry = zip.entries.get(name);
    if (!entry) throw new SegmentationError('IMPORT_SOURCE', `${file} has no entry '${name}'`);
    return entry;
  };
  const names = [...zip.entries.keys()];
  if (names.some((name) => /^[^/]+\/data\.pkl$/.test(name))) {
    await zip.close();
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${file} is a checkpoint by itself; give the folder that it lies in, which also holds its plans ` +
        '(.model.pkl; for nnU-Net v2 the folder above, with plans.json)',
    );
  }
  return {
    source: file,
    isArchive: true,
    paths: names.filter((name) => RELEVANT.test(name)).toSorted(),
    readSmall: (name, maxBytes) => zip.read(entryOf(name), maxBytes),
    withFile: async (name, folder, { onProgress, signal }, work) => {
      const entry = entryOf(name);
      const target = path.join(folder, 'checkpoint.unpacked');
      let done = 0;
      try {
        await zip.extract(entry, target, {
          signal,
          onBytes: (count) => {
            done += count;
            onProgress?.(done, entry.uncompressedSize);
          },
        });
        return await work(target);
      } finally {
        await rm(target, { force: true });
      }
    },
    close: () => zip.close(),
  };
}
