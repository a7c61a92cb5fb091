import { DicomError, TooMuchToRead } from '../dicom-error.ts';
import { isNative, transferSyntaxName } from './transfer-syntaxes.ts';

/** The value of PixelData: as it is, or in fragments behind a basic offset table (PS3.5 A.4). */
export type PixelDataElement =
  | { readonly native: Uint8Array }
  | {
      readonly fragments: readonly Uint8Array[];
      /** Where each fragment's item begins, counted as the offset table counts. */
      readonly itemOffsets: readonly number[];
      readonly offsetTable: readonly number[];
    };

/** What the header says about the size of the pixel data. */
export interface FrameLayout {
  readonly numberOfFrames: number;
  /** Bits in one frame, all samples. */
  readonly frameBits: number;
}

/** No series has as many frames; a header that claims more would fill memory with empty ones. */
const MAX_FRAMES = 100_000;
/** Encoders cut a frame into few fragments. */
const MAX_FRAGMENTS = 4 * MAX_FRAMES;

const ITEM = 0xe000;
const SEQUENCE_DELIMITER = 0xe0dd;

/**
 * Reads the items of encapsulated pixel data, which is always little endian. Throws DICOM_UNREADABLE where it
 * ends early.
 */
export function readFragments(
  bytes: Uint8Array,
  start: number,
  source: string,
  maxFragments = MAX_FRAGMENTS,
): PixelDataElement {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: Uint8Array[] = [];
  const offsets: number[] = [];
  let offset = start;
  for (;;) {
    if (offset + 8 > bytes.length)
      throw corrupt(source, 'the compressed PixelData has no end: the file is cut off');
    const group = view.getUint16(offset, true);
    const element = view.getUint16(offset + 2, true);
    const length = view.getUint32(offset + 4, true);
    if (group !== 0xfffe || (element !== ITEM && element !== SEQUENCE_DELIMITER)) {
      throw corrupt(source, `the compressed PixelData is corrupt at byte ${offset}: no item begins there`);
    }
    if (element === SEQUENCE_DELIMITER) break;
    items.push(bytes.subarray(offset + 8, offset + 8 + length));
    offsets.push(offset);
    offset += 8 + length;
    if (items.length > maxFragments) {
      throw new TooMuchToRead('DICOM_UNREADABLE', `${source}: more than ${maxFragments} fragments`);
    }
  }
  const [table = new Uint8Array(), ...fragments] = items;
  const tableView = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const origin = offsets[1] ?? 0;
  return {
    fragments,
    itemOffsets: offsets.slice(1).map((itemOffset) => itemOffset - origin),
    offsetTable: Array.from({ length: Math.min(table.length >> 2, maxFragments) }, (_, i) =>
      tableView.getUint32(i * 4, true),
    ),
  };
}

/**
 * Cuts pixel data into frames without copying, except frames of several fragments. Throws DICOM_UNREADABLE.
 */
export function splitFrames(
  pixelData: PixelDataElement,
  layout: FrameLayout,
  transferSyntaxUid: string,
  source: string,
): Uint8Array[] {
  const { numberOfFrames, frameBits } = layout;
  if (numberOfFrames > MAX_FRAMES) {
    throw corrupt(source, `NumberOfFrames is ${numberOfFrames}: more than ${MAX_FRAMES} are not read`);
  }
  const native = isNative(transferSyntaxUid);
  if (native !== 'native' in pixelData) {
    const found = native ? 'in fragments' : 'not in fragments';
    throw corrupt(
      source,
      `PixelData is ${found}, which is wrong for ${transferSyntaxName(transferSyntaxUid)}`,
    );
  }
  if (!('native' in pixelData)) return splitFragments(pixelData, numberOfFrames, source);
  const bytes = pixelData.native;
  const needed = Math.ceil((frameBits * numberOfFrames) / 8);
  if (bytes.length < needed) {
    throw corrupt(
      source,
      `PixelData has ${bytes.length} bytes, but ${numberOfFrames} frame(s) need ${needed}`,
    );
  }
  // Single bits are packed across frames (PS3.5 8.1.1): such frames can't be cut apart here.
  if (frameBits % 8 !== 0) return [bytes];
  const frameBytes = frameBits / 8;
  return Array.from({ length: numberOfFrames }, (_, i) =>
    bytes.subarray(i * frameBytes, (i + 1) * frameBytes),
  );
}

function splitFragments(
  { fragments, itemOffsets, offsetTable }: Exclude<PixelDataElement, { native: Uint8Array }>,
  numberOfFrames: number,
  source: string,
): Uint8Array[] {
  if (fragments.length < numberOfFrames) {
    throw corrupt(source, `PixelData has ${fragments.length} fragment(s) for ${numberOfFrames} frame(s)`);
  }
  if (fragments.length === numberOfFrames) return [...fragments];
  if (numberOfFrames === 1) return [concatenate(fragments)];
  const places = new Map(itemOffsets.map((offset, i) => [offset, i]));
  const starts = offsetTable.map((offset) => places.get(offset) ?? -1);
  if (starts.length !== numberOfFrames || starts.includes(-1)) {
    const what = `${fragments.length} fragments for ${numberOfFrames} frames and no usable offset table`;
    throw corrupt(source, `PixelData has ${what}: where a frame begins would be a guess`);
  }
  return starts.map((start, i) => concatenate(fragments.slice(start, starts[i + 1])));
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function corrupt(source: string, what: string): DicomError {
  return new DicomError('DICOM_UNREADABLE', `${source}: ${what}`);
}
