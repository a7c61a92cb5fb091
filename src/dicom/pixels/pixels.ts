import { messageOf } from '../../coded-error.ts';
import { DicomError } from '../dicom-error.ts';
import { type Instance, number, requiredNumber } from '../reading/dataset.ts';
import { isNative, TRANSFER_SYNTAX, transferSyntaxName } from '../reading/transfer-syntaxes.ts';
import { FRAME_DECODERS } from './codecs.ts';
import { decodePool } from './decode-pool.ts';
import { decodeStoredValues, type PixelFormat, type StoredValues } from './stored-values.ts';

/** The largest image that is read: the finest CT. More would be a way to fill memory. */
const MAX_PIXELS = 2048 * 2048;

/** Whether `decodeFrame` has a decoder for a transfer syntax. */
export function canDecode(transferSyntaxUid: string): boolean {
  return (
    isNative(transferSyntaxUid) ||
    transferSyntaxUid === TRANSFER_SYNTAX.rleLossless ||
    FRAME_DECODERS.has(transferSyntaxUid)
  );
}

/**
 * Decodes one frame, counted from 0, of a grey image to its stored values: bits above and below BitsStored
 * are gone, signed values are signed. The result may be a view of the instance's bytes: read it, don't write
 * to it. Compressed frames are decoded in threads of their own. Throws DICOM_TRANSFER_SYNTAX,
 * DICOM_ATTRIBUTE, or DICOM_UNREADABLE where the compressed data is corrupt.
 */
export async function decodeFrame(instance: Instance, frame: number): Promise<StoredValues> {
  const { transferSyntaxUid, source } = instance;
  if (!canDecode(transferSyntaxUid)) {
    const what = `${source}: no decoder for ${transferSyntaxName(transferSyntaxUid)}`;
    throw new DicomError('DICOM_TRANSFER_SYNTAX', `${what}: have the archive send it uncompressed`);
  }
  const format = pixelFormat(instance);
  const place = instance.frames.length > 1 ? `${source}, frame ${frame + 1}` : source;
  const encoded = instance.frames[frame];
  if (!encoded)
    throw new DicomError('DICOM_UNREADABLE', `${source}: there is no pixel data for frame ${frame + 1}`);
  try {
    if (isNative(transferSyntaxUid)) return await decodeStoredValues(encoded, format, transferSyntaxUid);
    return await decodePool.decode(encoded, format, transferSyntaxUid);
  } catch (cause) {
    const syntax = transferSyntaxName(transferSyntaxUid);
    const what = `${place}: PixelData in ${syntax} cannot be decoded: ${messageOf(cause)}`;
    throw new DicomError('DICOM_UNREADABLE', what, { cause });
  }
}

function pixelFormat({ dataset, transferSyntaxUid, source }: Instance): PixelFormat {
  const refuse = (what: string) => new DicomError('DICOM_ATTRIBUTE', `${source}: ${what}`);
  const samplesPerPixel = number(dataset, 'SamplesPerPixel') ?? 1;
  if (samplesPerPixel !== 1)
    throw refuse(`SamplesPerPixel is ${samplesPerPixel}: colour images are not read`);
  const rows = requiredNumber(dataset, 'Rows', source);
  const columns = requiredNumber(dataset, 'Columns', source);
  if (![rows, columns].every((count) => Number.isInteger(count) && count >= 1)) {
    throw refuse(`Rows is ${rows} and Columns is ${columns}: there are no pixels`);
  }
  if (rows * columns > MAX_PIXELS) {
    throw refuse(`Rows is ${rows} and Columns is ${columns}: more than ${MAX_PIXELS} pixels are not read`);
  }
  const bitsAllocated = requiredNumber(dataset, 'BitsAllocated', source);
  if (bitsAllocated !== 8 && bitsAllocated !== 16)
    throw refuse(`BitsAllocated is ${bitsAllocated}, not 8 or 16`);
  const bitsStored = number(dataset, 'BitsStored') ?? bitsAllocated;
  const highBit = number(dataset, 'HighBit') ?? bitsStored - 1;
  if (bitsStored < 1 || highBit >= bitsAllocated || highBit + 1 < bitsStored) {
    throw refuse(`BitsStored ${bitsStored} and HighBit ${highBit} do not fit BitsAllocated ${bitsAllocated}`);
  }
  if (FRAME_DECODERS.has(transferSyntaxUid) && highBit !== bitsStored - 1) {
    throw refuse(`HighBit is ${highBit}, which compressed data with BitsStored ${bitsStored} cannot have`);
  }
  const signed = requiredNumber(dataset, 'PixelRepresentation', source) === 1;
  return { rows, columns, bitsAllocated, bitsStored, highBit, signed };
}
