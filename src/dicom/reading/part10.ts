import { inflateRawSync } from 'node:zlib';
import { data, log, type ReadBufferStream } from 'dcmjs';
import { DicomError } from '../errors.ts';
import { type PixelDataElement, readFragments } from '../pixels/pixel-data.ts';
import { TRANSFER_SYNTAX } from '../pixels/transfer-syntaxes.ts';
import { type TextDecoding, textDecoding } from './character-sets.ts';
import { keywordOf, naturalizeValue, SPECIFIC_CHARACTER_SET, vrOf } from './naturalize.ts';

// dcmjs prints every oddity of a file, with its value, to the console; what matters of them is an error here.
log.setLevel('silent', false);
log.getLogger('validation.dcmjs').setLevel('silent', false);

export interface Part10 {
  readonly dataset: Readonly<Record<string, unknown>>;
  readonly transferSyntaxUid: string;
  readonly pixelData?: PixelDataElement;
}

const PREAMBLE_BYTES = 128;
const META_GROUP = 0x0002;
const PIXEL_DATA = '7FE00010';
const UNDEFINED_LENGTH = 0xffff_ffff;
/** VRs with two reserved bytes and a length of 32 bits in explicit VR (PS3.5 7.1.2). */
const LONG_VRS = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const SHORT_VRS = new Set('AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
const BINARY_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN', 'ox']);
/** Longer binary values (overlays, look-up tables, vendors' headers) are used nowhere here and would fill memory. */
const MAX_BINARY_HEADER_BYTES = 65_536;
/** Images deflate to a half or a tenth; what grows more than this, and beyond the floor, is an attack. */
const MAX_INFLATION = 100;
const INFLATION_FLOOR_BYTES = 64 * 1024 * 1024;
/** Nesting that no real data set reaches. */
const MAX_DEPTH = 32;

/** Bytes under one transfer syntax. */
interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  readonly stream: ReadBufferStream;
  /** One of the three syntaxes that dcmjs knows; all compressed ones are explicit little endian outside the pixels. */
  readonly syntax: string;
  readonly source: string;
}

interface ElementHeader {
  /** Eight upper-case hexadecimal digits. */
  readonly tag: string;
  readonly vr: string;
  /** UNDEFINED_LENGTH, or it lies inside the bytes. */
  readonly length: number;
  readonly valueOffset: number;
}

/**
 * Reads a DICOM file (PS3.10 section 7) up to its pixel data; what follows that is padding and signatures.
 * dcmjs reads the values; lengths are checked here, as it takes cut-off files without a word.
 * Throws DICOM_UNREADABLE.
 */
export function readPart10(file: Uint8Array, source: string): Part10 {
  const bytes = exactBytes(file);
  const marker = String.fromCharCode(...bytes.subarray(PREAMBLE_BYTES, PREAMBLE_BYTES + 4));
  if (marker !== 'DICM') {
    throw new DicomError(
      'DICOM_UNREADABLE',
      `${source}: not a DICOM file (no "DICM" at byte ${PREAMBLE_BYTES})`,
    );
  }
  const metaSyntax = TRANSFER_SYNTAX.explicitLittleEndian;
  const meta = readElements(encoded(bytes, metaSyntax, source), PREAMBLE_BYTES + 4, META_GROUP);
  const transferSyntaxUid = meta.dataset['TransferSyntaxUID'];
  if (typeof transferSyntaxUid !== 'string') {
    throw new DicomError('DICOM_UNREADABLE', `${source}: the file meta information has no TransferSyntaxUID`);
  }
  const deflated = transferSyntaxUid === TRANSFER_SYNTAX.deflated;
  const body = deflated ? inflate(bytes.subarray(meta.end), source) : bytes;
  const syntax =
    [TRANSFER_SYNTAX.implicitLittleEndian, TRANSFER_SYNTAX.explicitBigEndian].find(
      (uid) => uid === transferSyntaxUid,
    ) ?? TRANSFER_SYNTAX.explicitLittleEndian;
  const { dataset, pixelData } = readElements(encoded(body, syntax, source), deflated ? 0 : meta.end);
  return { dataset, transferSyntaxUid, ...(pixelData && { pixelData }) };
}

/** dcmjs takes whole ArrayBuffers only, so a view of part of one is copied. */
function exactBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const whole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  return whole ? new Uint8Array(buffer) : new Uint8Array(bytes);
}

function inflate(bytes: Uint8Array, source: string): Uint8Array<ArrayBuffer> {
  const maxOutputLength = Math.max(INFLATION_FLOOR_BYTES, bytes.length * MAX_INFLATION);
  try {
    return exactBytes(inflateRawSync(bytes, { maxOutputLength }));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DicomError('DICOM_UNREADABLE', `${source}: the deflated data set is corrupt: ${reason}`, {
      cause,
    });
  }
}

function encoded(bytes: Uint8Array<ArrayBuffer>, syntax: string, source: string): Encoded {
  const view = new DataView(bytes.buffer);
  return { bytes, view, stream: new data.ReadBufferStream(bytes.buffer), syntax, source };
}

interface Elements {
  readonly dataset: Record<string, unknown>;
  readonly pixelData?: PixelDataElement;
  /** Offset of the first byte that was not read. */
  readonly end: number;
}

/** Reads elements up to the pixel data, the end, or, given a group, up to the first element of another one. */
function readElements(input: Encoded, start: number, onlyGroup?: number): Elements {
  const { bytes, source } = input;
  const dataset: Record<string, unknown> = {};
  let decode = textDecoding([], source);
  let offset = start;
  while (offset < bytes.length) {
    // The data set behind the file meta information may have another syntax: look before reading.
    const group = input.view.getUint16(Math.min(offset, bytes.length - 2), true);
    if (onlyGroup !== undefined && group !== onlyGroup) return { dataset, end: offset };
    if (isZeroPadding(bytes, offset)) return { dataset, end: bytes.length };
    const header = readHeader(input, offset);
    const { tag, vr, length, valueOffset } = header;
    if (tag === PIXEL_DATA) {
      const pixelData =
        length === UNDEFINED_LENGTH
          ? readFragments(bytes, valueOffset, source)
          : { native: bytes.subarray(valueOffset, valueOffset + length) };
      return { dataset, pixelData, end: bytes.length };
    }
    if (length === UNDEFINED_LENGTH && vr !== 'SQ') {
      // A sequence that somebody wrote as UN is implicit VR inside (PS3.5 6.2.2); nothing here needs such ones.
      offset = skipImplicitItems(input, valueOffset, 0);
      continue;
    }
    const isGroupLength = tag.endsWith('0000');
    const isBulk = BINARY_VRS.has(vr) && length > MAX_BINARY_HEADER_BYTES;
    if (!isGroupLength && !isBulk) {
      const value = length === 0 ? emptyValue(vr) : readValue(input, offset, header, decode);
      dataset[keywordOf(tag)] = value;
      if (tag === SPECIFIC_CHARACTER_SET) {
        const terms = Array.isArray(value) ? value.map(String) : [typeof value === 'string' ? value : ''];
        decode = textDecoding(terms, source);
      }
    }
    offset = length === UNDEFINED_LENGTH ? input.stream.offset : valueOffset + length;
  }
  return { dataset, end: offset };
}

function emptyValue(vr: string): unknown {
  return vr === 'SQ' ? [] : null;
}

function readValue(input: Encoded, offset: number, header: ElementHeader, decode: TextDecoding): unknown {
  const { stream, syntax, source } = input;
  stream.offset = offset;
  try {
    const { vr, values, rawValues } = data.DicomMessage._readTag(stream, syntax);
    return naturalizeValue(vr.type, values, rawValues, decode, source);
  } catch (cause) {
    if (cause instanceof DicomError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DicomError('DICOM_UNREADABLE', `${source}: ${describe(header.tag)} is corrupt: ${reason}`, {
      cause,
    });
  }
}

/** Reads tag, VR and length of the element at an offset, and checks that its value is all there. */
function readHeader(input: Encoded, offset: number): ElementHeader {
  const { bytes, view, syntax, source } = input;
  const littleEndian = syntax !== TRANSFER_SYNTAX.explicitBigEndian;
  const LONGEST_HEADER = 12;
  if (offset + 8 > bytes.length) throw cutOff(source, `an element at byte ${offset} is not complete`);
  const tag = hex(view.getUint16(offset, littleEndian)) + hex(view.getUint16(offset + 2, littleEndian));
  let header: ElementHeader;
  if (syntax === TRANSFER_SYNTAX.implicitLittleEndian) {
    const vr = vrOf(tag) ?? 'UN';
    header = { tag, vr, length: view.getUint32(offset + 4, true), valueOffset: offset + 8 };
  } else {
    const vr = String.fromCharCode(view.getUint8(offset + 4), view.getUint8(offset + 5));
    if (SHORT_VRS.has(vr)) {
      header = { tag, vr, length: view.getUint16(offset + 6, littleEndian), valueOffset: offset + 8 };
    } else if (!LONG_VRS.has(vr)) {
      const what = `byte ${offset} should begin an element, but ${describe(tag)} has no valid VR there`;
      throw new DicomError('DICOM_UNREADABLE', `${source}: corrupt: ${what}`);
    } else {
      const complete = offset + LONGEST_HEADER <= bytes.length;
      if (!complete) throw cutOff(source, `the header of ${describe(tag)} is not complete`);
      const length = view.getUint32(offset + 8, littleEndian);
      header = { tag, vr, length, valueOffset: offset + LONGEST_HEADER };
    }
  }
  const left = bytes.length - header.valueOffset;
  if (header.length !== UNDEFINED_LENGTH && header.length > left) {
    throw cutOff(source, `${describe(tag)} says ${header.length} bytes, but ${left} are left`);
  }
  return header;
}

/** Returns the offset behind a sequence of undefined length in implicit VR little endian. */
function skipImplicitItems(input: Encoded, start: number, depth: number): number {
  const { bytes, source } = input;
  if (depth > MAX_DEPTH) {
    throw new DicomError('DICOM_UNREADABLE', `${source}: sequences are nested deeper than ${MAX_DEPTH}`);
  }
  const implicit = { ...input, syntax: TRANSFER_SYNTAX.implicitLittleEndian };
  let offset = start;
  while (offset < bytes.length) {
    const { tag, length, valueOffset } = readHeader(implicit, offset);
    const isDelimiter = tag === 'FFFEE0DD' || tag === 'FFFEE00D';
    if (isDelimiter) return valueOffset;
    const end = length === UNDEFINED_LENGTH;
    offset = end ? skipImplicitItems(input, valueOffset, depth + 1) : valueOffset + length;
  }
  throw cutOff(source, 'a sequence has no end');
}

/** Some writers fill a file up with zeros. */
function isZeroPadding(bytes: Uint8Array, offset: number): boolean {
  const startsWithZeros = bytes.subarray(offset, offset + 8).every((byte) => byte === 0);
  return startsWithZeros && bytes.subarray(offset).every((byte) => byte === 0);
}

function cutOff(source: string, what: string): DicomError {
  return new DicomError('DICOM_UNREADABLE', `${source}: cut off or corrupt: ${what}`);
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, '0');
}

function describe(tag: string): string {
  const keyword = keywordOf(tag);
  const punctuated = `(${tag.slice(0, 4)},${tag.slice(4)})`;
  return keyword === tag ? punctuated : `${keyword} ${punctuated}`;
}
