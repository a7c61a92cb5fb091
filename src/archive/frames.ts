import { type Instance, number } from '../dicom/reading/dataset.ts';
import { readForeignInstance } from '../dicom/reading/foreign-instances.ts';
import { type BodyPart, multipartBody } from '../dicom/web/multipart-writer.ts';
import { type AcceptedType, includesType, parseAccept } from './accept.ts';
import { ArchiveError } from './archive-error.ts';
import type { IndexedInstance } from './instance-index.ts';
import type { InstanceStore } from './instance-store.ts';
import { notAcceptable, type RetrievedBody, singlePart } from './retrieve.ts';

const OCTET_STREAM = 'application/octet-stream';
const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

/** Implicit, explicit and deflated little endian: their frames are the same bytes. */
const NATIVE = new Set(['1.2.840.10008.1.2', EXPLICIT_LITTLE_ENDIAN, '1.2.840.10008.1.2.1.99']);

/** Media types of compressed frames, PS3.18 table 8.7.3-5. */
const IMAGE_TYPES: Readonly<Record<string, string>> = {
  '1.2.840.10008.1.2.4.50': 'image/jpeg',
  '1.2.840.10008.1.2.4.51': 'image/jpeg',
  '1.2.840.10008.1.2.4.57': 'image/jpeg',
  '1.2.840.10008.1.2.4.70': 'image/jpeg',
  '1.2.840.10008.1.2.4.80': 'image/jls',
  '1.2.840.10008.1.2.4.81': 'image/jls',
  '1.2.840.10008.1.2.4.90': 'image/jp2',
  '1.2.840.10008.1.2.4.91': 'image/jp2',
  '1.2.840.10008.1.2.4.92': 'image/jpx',
  '1.2.840.10008.1.2.4.93': 'image/jpx',
  '1.2.840.10008.1.2.4.201': 'image/jphc',
  '1.2.840.10008.1.2.4.202': 'image/jphc',
  '1.2.840.10008.1.2.4.203': 'image/jphc',
  '1.2.840.10008.1.2.5': 'image/dicom-rle',
};

/**
 * Frames of an instance (PS3.18 10.4.1.1.6) as they are stored.
 * @param frameNumbers the path's list: numbers from 1, with commas
 * @throws ArchiveError ARCHIVE_REQUEST, ARCHIVE_NOT_FOUND, ARCHIVE_NOT_ACCEPTABLE
 */
export async function retrieveFrames(
  store: InstanceStore,
  instance: IndexedInstance,
  frameNumbers: string,
  accept: string | undefined,
): Promise<RetrievedBody> {
  if (!/^[0-9]{1,9}(,[0-9]{1,9})*$/.test(frameNumbers)) {
    throw new ArchiveError('ARCHIVE_REQUEST', 400, 'frames are numbers from 1, with commas between them');
  }
  const { frames, dataset } = await readStored(store, instance);
  if (frames.length < (number(dataset, 'NumberOfFrames') ?? 0)) {
    // Bits that are packed across frames (PS3.5 8.1.1).
    throw notAcceptable('frames that do not begin at a byte', 'bulk data');
  }
  const wanted = frameNumbers.split(',').map((text) => {
    const frame = frames[Number(text) - 1];
    if (frame) return frame;
    throw new ArchiveError(
      'ARCHIVE_NOT_FOUND',
      404,
      `there are ${frames.length} frames, none of number ${text}`,
    );
  });
  return framesBody(wanted, instance.transferSyntaxUid, accept);
}

/**
 * The pixel data that metadata gives a BulkDataURI for: all bytes in one part where they are native, else one
 * part for each frame (PS3.18 8.7.3.3).
 */
export async function retrievePixelData(
  store: InstanceStore,
  instance: IndexedInstance,
  accept: string | undefined,
): Promise<RetrievedBody> {
  const { frames } = await readStored(store, instance);
  if (frames.length === 0) throw new ArchiveError('ARCHIVE_NOT_FOUND', 404, 'the instance has no pixel data');
  const compressed = instance.transferSyntaxUid in IMAGE_TYPES;
  return framesBody(compressed ? frames : [Buffer.concat(frames)], instance.transferSyntaxUid, accept);
}

async function readStored(store: InstanceStore, { sopUid }: IndexedInstance): Promise<Instance> {
  return readForeignInstance(await store.files.read(sopUid), `instance ${sopUid}`);
}

function framesBody(
  frames: readonly Uint8Array[],
  transferSyntaxUid: string,
  accept: string | undefined,
): RetrievedBody {
  const native = NATIVE.has(transferSyntaxUid);
  const syntax = native ? EXPLICIT_LITTLE_ENDIAN : transferSyntaxUid;
  const type = IMAGE_TYPES[transferSyntaxUid] ?? OCTET_STREAM;
  const parts = frames.map(
    (frame): BodyPart => ({
      contentType: `${type}; transfer-syntax=${syntax}`,
      size: frame.length,
      content: () => [frame],
    }),
  );
  const [only] = parts;
  for (const accepted of parseAccept(accept)) {
    if (!acceptsFrames(accepted, type, syntax, native)) continue;
    if (accepted.multipart) return multipartBody(type, parts, { partLengths: true });
    if (only && parts.length === 1) return singlePart(only);
  }
  throw notAcceptable('frames', `${type}; transfer-syntax=${syntax}`);
}

/**
 * Octet-stream without a transfer syntax asks for native frames; with `*`, which is what viewers send, or the
 * stored syntax, it takes compressed ones as well.
 */
function acceptsFrames(
  { type: range, transferSyntax }: AcceptedType,
  type: string,
  syntax: string,
  native: boolean,
): boolean {
  const syntaxNamed = transferSyntax === '*' || transferSyntax === syntax;
  if (range === OCTET_STREAM) return syntaxNamed || (native && transferSyntax === undefined);
  return includesType(range, type) && (syntaxNamed || transferSyntax === undefined);
}
