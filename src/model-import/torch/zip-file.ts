import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { MAX_PICKLE_BYTES, unpickle } from '../pickle/unpickle.ts';
import type { RandomAccessFile } from '../random-access-file.ts';
import { ZipArchive } from '../zip-archive.ts';
import { claim, storageLoader } from './storage-id.ts';
import type { TorchFile } from './torch-file.ts';

/** torch.save since 1.6: a zip with `<root>/data.pkl`, and each storage as `<root>/data/<key>`. */
export async function openZipCheckpoint(file: RandomAccessFile): Promise<TorchFile> {
  const zip = await ZipArchive.open(file, 'CHECKPOINT_UNREADABLE');
  try {
    return await readZip(zip);
  } catch (error) {
    await zip.close();
    throw error;
  }
}

async function readZip(zip: ZipArchive): Promise<TorchFile> {
  const { path } = zip.file;
  const root = findRoot(zip);
  const entryOf = (name: string) => zip.entries.get(`${root}${name}`);
  const order = entryOf('byteorder');
  if (order && Buffer.from(await zip.read(order, MAX_WORD_BYTES)).toString('latin1') !== 'little')
    throw new SegmentationError(
      'CHECKPOINT_UNREADABLE',
      `${path}: its values are big-endian; save it anew on another machine`,
    );
  const dataPkl = entryOf('data.pkl');
  if (!dataPkl) throw missing(path, zip);
  const { value } = unpickle(await zip.read(dataPkl, MAX_PICKLE_BYTES), {
    subject: `${path}, ${root}data.pkl`,
    persistentLoad: storageLoader((storage) => {
      const entry = entryOf(`data/${storage.key}`);
      if (!entry) return `${claim(storage)}, but there is no entry '${root}data/${storage.key}'`;
      if (entry.uncompressedSize === storage.length * storage.type.bytesPerValue) return undefined;
      return `${claim(storage)}, but entry '${entry.fileName}' has ${entry.uncompressedSize} bytes`;
    }),
  });
  return {
    root: value,
    readBytes: async ({ key }, start, target) => {
      const entry = entryOf(`data/${key}`);
      if (!entry) throw missing(path, zip);
      await zip.readPart(entry, start, target);
    },
    close: () => zip.close(),
  };
}

/** For the one-word entries. */
const MAX_WORD_BYTES = 64;

/** The folder that all entries lie in, with its slash. torch names it after the file, or `archive`. */
function findRoot(zip: ZipArchive): string {
  const roots = [...zip.entries.keys()].flatMap((name) => /^((?:[^/]+\/)?)data\.pkl$/.exec(name)?.[1] ?? []);
  const [root, ...others] = roots;
  if (root === undefined || others.length > 0) throw missing(zip.file.path, zip);
  if (zip.entries.has(`${root}constants.pkl`))
    throw new SegmentationError(
      'CHECKPOINT_UNREADABLE',
      `${zip.file.path} is a TorchScript program; expected a checkpoint written by nnU-Net v1`,
    );
  return root;
}

function missing(path: string, zip: ZipArchive): SegmentationError {
  const found = [...zip.entries.keys()].slice(0, 3).join(', ');
  return new SegmentationError(
    'CHECKPOINT_UNREADABLE',
    `${path}: expected one entry <folder>/data.pkl, as torch.save writes it; found ${found || 'no entries'}`,
  );
}
