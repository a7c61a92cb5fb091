import { isNative, TRANSFER_SYNTAX } from '../reading/transfer-syntaxes.ts';
import { FRAME_DECODERS, type FrameDecoder } from './codecs.ts';
import { type CodestreamHeader, readCodestreamHeader } from './codestream.ts';
import { decodeRle } from './rle.ts';

/** Stored values of one frame, row by row (PS3.3 C.7.6.3.1). */
export type StoredValues = Int16Array | Uint16Array | Uint8Array;

/** How pixels lie in their cells (PS3.5 8.1.1). */
export interface PixelFormat {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
}

/**
 * Decodes one frame of a grey image to its stored values: bits above and below BitsStored are gone, signed
 * values are signed. The result may be a view of the encoded bytes. Throws an Error with the reason where the
 * bytes are not what the format says.
 */
export async function decodeStoredValues(
  encoded: Uint8Array,
  format: PixelFormat,
  transferSyntaxUid: string,
): Promise<StoredValues> {
  const cells = await decodeCells(encoded, format, transferSyntaxUid);
  const needed = (format.rows * format.columns * format.bitsAllocated) / 8;
  if (cells.length !== needed) throw new Error(`it gives ${cells.length} bytes where ${needed} are needed`);
  return storedValues(cells, format);
}

/** Decodes to cells of BitsAllocated bits, little endian. */
async function decodeCells(
  encoded: Uint8Array,
  format: PixelFormat,
  transferSyntaxUid: string,
): Promise<Uint8Array> {
  if (transferSyntaxUid === TRANSFER_SYNTAX.explicitBigEndian) return swapped(encoded, format);
  if (isNative(transferSyntaxUid)) return encoded;
  const decoder = FRAME_DECODERS.get(transferSyntaxUid);
  if (decoder) return decodeCodestream(encoded, format, decoder);
  return decodeRle(encoded, format.rows * format.columns, format.bitsAllocated / 8);
}

async function decodeCodestream(
  encoded: Uint8Array,
  format: PixelFormat,
  decoder: FrameDecoder,
): Promise<Uint8Array> {
  const header = readCodestreamHeader(encoded);
  checkHeader(header, format);
  const samples = await decoder(encoded.subarray(0, header.end), header);
  const widen = header.precision <= 8 && format.bitsAllocated === 16;
  return widen ? widened(samples, header) : samples;
}

function widened(samples: Uint8Array, { signed }: CodestreamHeader): Uint8Array {
  const values = signed ? new Int8Array(samples.buffer, samples.byteOffset, samples.length) : samples;
  return new Uint8Array(Int16Array.from(values).buffer);
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

/**
 * PS3.5 8.1.1: in big endian files 16-bit words are swapped; whether pairs of 8-bit pixels are depends on the
 * VR.
 */
function swapped(cells: Uint8Array, { bitsAllocated }: PixelFormat): Uint8Array {
  if (bitsAllocated !== 16) throw new Error('big endian pixels of 8 bits are not read');
  return Buffer.from(cells).swap16();
}

/** Takes the stored bits out of their cells. Other bits may hold overlays or rubbish. */
function storedValues(cells: Uint8Array, format: PixelFormat): StoredValues {
  const { bitsAllocated, bitsStored, highBit, signed } = format;
  if (bitsAllocated === 8) {
    if (bitsStored === 8 && !signed) return cells;
    return withoutOtherBits(signed ? Int16Array.from(cells) : cells.slice(), highBit, bitsStored);
  }
  const aligned = cells.byteOffset % 2 === 0 ? cells : cells.slice();
  const { buffer, byteOffset } = aligned;
  const length = aligned.length / 2;
  const words = signed
    ? new Int16Array(buffer, byteOffset, length)
    : new Uint16Array(buffer, byteOffset, length);
  if (bitsStored === 16 || !hasOtherBits(words, highBit, bitsStored)) return words;
  return withoutOtherBits(words.slice(), highBit, bitsStored);
}

/** Pixels per call of a loop: V8 optimizes a function by how often it is called. */
const STRETCH = 1024;

/** Whether `withoutOtherBits` would change anything: it copies, and mostly need not. */
function hasOtherBits(values: Int16Array | Uint16Array, highBit: number, bitsStored: number): boolean {
  // Of signed values, the bits above are copies of the sign, which a look at all bits together cannot tell.
  if (values instanceof Int16Array || highBit !== bitsStored - 1) return true;
  return allBits(values) >>> bitsStored !== 0;
}

/** The bits that are set in any of the values; two at a time, where they lie in one word of 32 bits. */
function allBits(values: Uint16Array): number {
  const { buffer, byteOffset, length } = values;
  const ahead = byteOffset % 4 === 0 ? 0 : 1;
  const pairs = new Uint32Array(buffer, byteOffset + 2 * ahead, (length - ahead) >> 1);
  let bits = (values[0] ?? 0) | (values[length - 1] ?? 0);
  for (let from = 0; from < pairs.length; from += STRETCH) {
    const both = bitsOfStretch(pairs, from, Math.min(from + STRETCH, pairs.length));
    bits |= (both | (both >>> 16)) & 0xffff;
  }
  return bits;
}

function bitsOfStretch(values: Uint32Array, from: number, to: number): number {
  let bits = 0;
  for (let i = from; i < to; i += 1) bits |= values[i] as number;
  return bits;
}

/** In place: the bits from HighBit down, moved to the low end; with their sign where the array has one. */
function withoutOtherBits<T extends StoredValues>(values: T, highBit: number, bitsStored: number): T {
  const up = 31 - highBit; // the highest stored bit becomes the sign bit, then all move down
  const down = 32 - bitsStored;
  const move = values instanceof Int16Array ? moveSigned : moveUnsigned;
  for (let from = 0; from < values.length; from += STRETCH) {
    move(values, from, Math.min(from + STRETCH, values.length), up, down);
  }
  return values;
}

function moveSigned(values: StoredValues, from: number, to: number, up: number, down: number): void {
  for (let i = from; i < to; i += 1) values[i] = ((values[i] as number) << up) >> down;
}

function moveUnsigned(values: StoredValues, from: number, to: number, up: number, down: number): void {
  for (let i = from; i < to; i += 1) values[i] = ((values[i] as number) << up) >>> down;
}
