import { type Instance, number, requiredNumber } from '../dataset.ts';
import { DicomError } from '../errors.ts';
import { FRAME_DECODERS, type FrameDecoder } from './codecs.ts';
import { type CodestreamHeader, readCodestreamHeader } from './codestream.ts';
import { decodeRle } from './rle.ts';
import { isNative, TRANSFER_SYNTAX, transferSyntaxName } from './transfer-syntaxes.ts';

/** Stored values of one frame, row by row (PS3.3 C.7.6.3.1). */
export type StoredValues = Int16Array | Uint16Array | Uint8Array;

/** How pixels lie in their cells (PS3.5 8.1.1). */
interface PixelFormat {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
}

/** Whether `decodeFrame` has a decoder for a transfer syntax. */
export function canDecode(transferSyntaxUid: string): boolean {
  return (
    isNative(transferSyntaxUid) ||
    transferSyntaxUid === TRANSFER_SYNTAX.rleLossless ||
    FRAME_DECODERS.has(transferSyntaxUid)
  );
}

/**
 * Decodes one frame, counted from 0, of a grey image to its stored values: bits above and below BitsStored are gone,
 * signed values are signed. The result may be a view of the instance's bytes: read it, don't write to it.
 * Throws DICOM_TRANSFER_SYNTAX, DICOM_ATTRIBUTE, or DICOM_UNREADABLE where the compressed data is corrupt.
 */
export async function decodeFrame(instance: Instance, frame: number): Promise<StoredValues> {
  const { transferSyntaxUid, source } = instance;
  if (!canDecode(transferSyntaxUid)) {
    const what = `${source}: no decoder for ${transferSyntaxName(transferSyntaxUid)}`;
    throw new DicomError('DICOM_TRANSFER_SYNTAX', `${what}: have the archive send it uncompressed`);
  }
  const format = pixelFormat(instance);
  const encoded = instance.frames[frame];
  if (!encoded)
    throw new DicomError('DICOM_UNREADABLE', `${source}: there is no pixel data for frame ${frame + 1}`);
  const cells = await decodeCells(encoded, format, instance);
  return storedValues(cells, format);
}

function pixelFormat({ dataset, transferSyntaxUid, source }: Instance): PixelFormat {
  const refuse = (what: string) => new DicomError('DICOM_ATTRIBUTE', `${source}: ${what}`);
  const samplesPerPixel = number(dataset, 'SamplesPerPixel') ?? 1;
  if (samplesPerPixel !== 1)
    throw refuse(`SamplesPerPixel is ${samplesPerPixel}: colour images are not read`);
  const rows = requiredNumber(dataset, 'Rows', source);
  const columns = requiredNumber(dataset, 'Columns', source);
  if (rows < 1 || columns < 1) throw refuse(`Rows is ${rows} and Columns is ${columns}: there are no pixels`);
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

/** Decodes to cells of BitsAllocated bits, little endian. */
async function decodeCells(
  encoded: Uint8Array,
  format: PixelFormat,
  instance: Instance,
): Promise<Uint8Array> {
  const { transferSyntaxUid, source } = instance;
  if (transferSyntaxUid === TRANSFER_SYNTAX.explicitBigEndian) return swapped(encoded, format, source);
  if (isNative(transferSyntaxUid)) return encoded;
  const { rows, columns, bitsAllocated } = format;
  const decoder = FRAME_DECODERS.get(transferSyntaxUid);
  try {
    const cells = decoder
      ? await decodeCodestream(encoded, format, decoder)
      : decodeRle(encoded, rows * columns, bitsAllocated / 8);
    const needed = (rows * columns * bitsAllocated) / 8;
    if (cells.length !== needed) throw new Error(`it gives ${cells.length} bytes where ${needed} are needed`);
    return cells;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const what = `${source}: PixelData in ${transferSyntaxName(transferSyntaxUid)} cannot be decoded: ${reason}`;
    throw new DicomError('DICOM_UNREADABLE', what, { cause });
  }
}

async function decodeCodestream(
  encoded: Uint8Array,
  format: PixelFormat,
  decoder: FrameDecoder,
): Promise<Uint8Array> {
  const header = readCodestreamHeader(encoded);
  checkHeader(header, format);
  const samples = await decoder(encoded, header);
  const widen = header.precision <= 8 && format.bitsAllocated === 16;
  return widen ? new Uint8Array(Uint16Array.from(samples).buffer) : samples;
}

function checkHeader(header: CodestreamHeader, format: PixelFormat): void {
  const { rows, columns, components, precision } = header;
  if (rows !== format.rows || columns !== format.columns || components !== 1) {
    const needed = `${format.columns} x ${format.rows} x 1`;
    throw new Error(`its image is ${columns} x ${rows} x ${components} where the data set says ${needed}`);
  }
  if (precision > format.bitsAllocated) {
    throw new Error(
      `it has ${precision} bits per pixel where the data set allocates ${format.bitsAllocated}`,
    );
  }
}

/** PS3.5 8.1.1: in big endian files 16-bit words are swapped; whether pairs of 8-bit pixels are depends on the VR. */
function swapped(cells: Uint8Array, { bitsAllocated }: PixelFormat, source: string): Uint8Array {
  if (bitsAllocated !== 16) {
    throw new DicomError('DICOM_TRANSFER_SYNTAX', `${source}: big endian pixels of 8 bits are not read`);
  }
  return Buffer.from(cells).swap16();
}

/** Takes the stored bits out of their cells. Other bits may hold overlays or rubbish. */
function storedValues(cells: Uint8Array, format: PixelFormat): StoredValues {
  const { bitsAllocated, bitsStored, highBit, signed } = format;
  if (bitsAllocated === 16) {
    const aligned = cells.byteOffset % 2 === 0 ? cells : cells.slice();
    const words = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2);
    if (bitsStored === 16) {
      return signed ? new Int16Array(words.buffer, words.byteOffset, words.length) : words;
    }
    return extract(words, signed ? new Int16Array(words.length) : new Uint16Array(words.length));
  }
  if (bitsStored === 8 && !signed) return cells;
  return extract(cells, signed ? new Int16Array(cells.length) : new Uint8Array(cells.length));

  function extract<T extends StoredValues>(from: Uint16Array | Uint8Array, to: T): T {
    const up = 31 - highBit; // the highest stored bit becomes the sign bit, then all move down
    const down = 32 - bitsStored;
    for (let i = 0; i < from.length; i += 1) {
      const moved = (from[i] ?? 0) << up;
      to[i] = signed ? moved >> down : moved >>> down;
    }
    return to;
  }
}
