import { DicomError, TooMuchToRead } from '../dicom-error.ts';
import { type TextDecoding, textDecoding } from './character-sets.ts';
import { keywordOf } from './dictionary.ts';
import {
  type ElementHeader,
  type Encoded,
  isExplicitHeader,
  isImplicitHeader,
  readHeader,
  UNDEFINED_LENGTH,
} from './element-header.ts';
import { type PixelDataElement, readFragments } from './pixel-data.ts';
import { cutOff, describeTag } from './tag-words.ts';
import { bytesPerValue, effectiveVr, isTooLong, readValue } from './values.ts';

const SPECIFIC_CHARACTER_SET = '00080005';
const PIXEL_DATA = '7FE00010';
/** FloatPixelData and DoubleFloatPixelData: as long as pixels are, and never used; that they are there is. */
const REAL_PIXELS: readonly string[] = ['7FE00008', '7FE00009'];
const ITEM = 'FFFEE000';
const ITEM_END = 'FFFEE00D';
const SEQUENCE_END = 'FFFEE0DD';
/** Nesting that no real data set reaches. */
const MAX_DEPTH = 32;
const BACKSLASH = 0x5c;
/**
 * An enhanced image of ten thousand frames has this many; more would be a way to fill memory, and takes
 * seconds.
 */
const MAX_ELEMENTS = 1_000_000;
/** As many items and values as such an image has, several times over. */
const MAX_ITEMS = 300_000;
const MAX_VALUES = 2_000_000;
/** A long text costs as much as a value for each of these. */
const TEXT_BYTES_PER_VALUE = 64;

/** How much of a data set is read; what has more is refused (`TooMuchToRead`). */
export interface ReadingEffort {
  /** Items of sequences count as elements too. */
  readonly elements: number;
  readonly items: number;
  readonly values: number;
}
const WHOLE: ReadingEffort = { elements: MAX_ELEMENTS, items: MAX_ITEMS, values: MAX_VALUES };

export interface Elements {
  readonly dataset: Record<string, unknown>;
  readonly pixelData?: PixelDataElement;
  /** Offset of the first byte that was not read. */
  readonly end: number;
  /** Whether the elements turned out to be written in implicit VR. */
  readonly implicit: boolean;
}

/** Where reading stands; shared by a data set and all that is nested in it. */
class Progress {
  readonly only: ReadonlySet<string> | undefined;
  readonly #effort: ReadingEffort;
  readonly #source: string;
  readonly #done = { elements: 0, items: 0, values: 0 };

  constructor(source: string, effort: ReadingEffort, only: ReadonlySet<string> | undefined) {
    this.#source = source;
    this.#effort = effort;
    this.only = only;
  }

  count(kind: keyof ReadingEffort, more = 1): void {
    this.#done[kind] += more;
    if (this.#done[kind] <= this.#effort[kind]) return;
    throw new TooMuchToRead('DICOM_UNREADABLE', `${this.#source}: more than ${this.#effort[kind]} ${kind}`);
  }
}

/** Where reading ends before the pixel data or the end. */
export interface ReadingLimit {
  /** At the first element of another group than this one. */
  readonly onlyGroup?: number;
  /** At the first element of this group or one behind it. */
  readonly beforeGroup?: number;
  readonly effort?: ReadingEffort | undefined;
  /** Tags (eight upper-case hexadecimal digits) whose values are taken; the others are walked past. */
  readonly only?: ReadonlySet<string> | undefined;
}

/**
 * Reads elements from an offset up to the pixel data, the end, or a limit.
 * Throws DICOM_UNREADABLE; TooMuchToRead beyond the effort.
 */
export function readElements(
  input: Encoded,
  start: number,
  { onlyGroup, beforeGroup = Number.POSITIVE_INFINITY, effort = WHOLE, only }: ReadingLimit = {},
): Elements {
  const { bytes, view, source } = input;
  const reader = new Reader(input, bytes.length, textDecoding([]), new Progress(source, effort, only), 0);
  let offset = start;
  const encoding = onlyGroup === undefined ? writtenEncoding(input, start, bytes.length) : input;
  reader.encoding = encoding;
  const { dataset } = reader;
  const { implicit } = encoding;
  let padding: number | undefined;
  while (offset < bytes.length) {
    // The data set behind the file meta information may have another syntax: look before reading.
    const group = view.getUint16(Math.min(offset, bytes.length - 2), encoding.littleEndian);
    const isBeyond = onlyGroup === undefined ? group >= beforeGroup : group !== onlyGroup;
    if (isBeyond) return { dataset, end: offset, implicit };
    if (view.getUint8(offset) === 0) {
      // Some writers fill a file up with zeros. Looked for once: at each element, it would take quadratic
      // time.
      padding ??= trailingZeros(bytes);
      if (offset >= padding) return { dataset, end: bytes.length, implicit };
    }
    const header = readHeader(encoding, offset, bytes.length);
    if (header.tag === PIXEL_DATA) {
      const { length, valueOffset } = header;
      const pixelData =
        length === UNDEFINED_LENGTH
          ? readFragments(bytes, valueOffset, source, effort === WHOLE ? undefined : effort.items)
          : { native: bytes.subarray(valueOffset, valueOffset + length) };
      return { dataset, pixelData, end: bytes.length, implicit };
    }
    offset = reader.read(header);
  }
  return { dataset, end: offset, implicit };
}

/** Reads the elements of one data set or item. */
class Reader {
  readonly dataset: Record<string, unknown> = {};
  encoding: Encoded;
  readonly #end: number;
  readonly #progress: Progress;
  readonly #depth: number;
  #decode: TextDecoding;

  constructor(encoding: Encoded, end: number, decode: TextDecoding, progress: Progress, depth: number) {
    this.encoding = encoding;
    this.#end = end;
    this.#decode = decode;
    this.#progress = progress;
    this.#depth = depth;
    if (depth > MAX_DEPTH) {
      throw new DicomError(
        'DICOM_UNREADABLE',
        `${encoding.source}: sequences are nested deeper than ${MAX_DEPTH}`,
      );
    }
  }

  /** Takes the value of an element; returns the offset behind it. */
  read(header: ElementHeader): number {
    const { bytes, littleEndian } = this.encoding;
    const { tag, length, valueOffset } = header;
    this.#progress.count('elements');
    const vr = effectiveVr(tag, header.vr);
    if (length === UNDEFINED_LENGTH && vr !== 'SQ' && isFragments(header)) {
      return skipFragments(this.encoding, valueOffset, this.#end);
    }
    if (vr === 'SQ' || length === UNDEFINED_LENGTH) {
      // A sequence that somebody wrote as UN is implicit VR inside (PS3.5 6.2.2).
      const inside =
        header.vr === 'UN' ? { ...this.encoding, implicit: true, littleEndian: true } : this.encoding;
      const sequence = this.#readItems(inside, header);
      if (!this.#progress.only) this.dataset[keywordOf(tag)] = sequence.items;
      return sequence.end;
    }
    const end = valueOffset + length;
    if (REAL_PIXELS.includes(tag)) {
      this.dataset[keywordOf(tag)] = [];
      return end;
    }
    if (tag.endsWith('0000')) return end; // a group's length says nothing that is needed
    if (this.#progress.only && !(this.#depth === 0 && this.#progress.only.has(tag))) return end;
    this.#progress.count('values', cost(bytes, valueOffset, end, vr));
    const value = readValue(
      bytes.subarray(valueOffset, end),
      vr,
      littleEndian || header.vr === 'UN',
      this.#decode,
    );
    if (value === undefined) return end;
    this.dataset[keywordOf(tag)] = value;
    if (tag === SPECIFIC_CHARACTER_SET) this.#decode = textDecoding(asTexts(value));
    return end;
  }

  #readItems(encoding: Encoded, { tag, length, valueOffset }: ElementHeader) {
    const items: Record<string, unknown>[] = [];
    const { source } = encoding;
    const end = length === UNDEFINED_LENGTH ? this.#end : valueOffset + length;
    let offset = valueOffset;
    while (offset < end) {
      const item = readHeader(encoding, offset, end);
      if (item.tag === SEQUENCE_END) return { items, end: item.valueOffset };
      if (item.tag !== ITEM) {
        const what = `${describeTag(tag)} holds ${describeTag(item.tag)} where an item should begin`;
        throw new DicomError('DICOM_UNREADABLE', `${source}: corrupt: ${what}`);
      }
      const nested = this.#readItem(encoding, item, end);
      if (!this.#progress.only) items.push(nested.dataset);
      offset = nested.end;
    }
    if (length === UNDEFINED_LENGTH) throw cutOff(source, `${describeTag(tag)} has no end`);
    return { items, end };
  }

  #readItem(
    encoding: Encoded,
    { length, valueOffset }: ElementHeader,
    limit: number,
  ): Pick<Elements, 'dataset' | 'end'> {
    const end = length === UNDEFINED_LENGTH ? limit : valueOffset + length;
    const inside = writtenEncoding(encoding, valueOffset, end);
    const reader = new Reader(inside, end, this.#decode, this.#progress, this.#depth + 1);
    this.#progress.count('elements');
    this.#progress.count('items');
    let offset = valueOffset;
    while (offset < end) {
      const header = readHeader(inside, offset, end);
      if (header.tag === ITEM_END) return { dataset: reader.dataset, end: header.valueOffset };
      offset = reader.read(header);
    }
    if (length === UNDEFINED_LENGTH) throw cutOff(encoding.source, 'an item has no end');
    return { dataset: reader.dataset, end };
  }
}

/** How many values it costs to read one, before it is taken apart. */
function cost(bytes: Uint8Array, start: number, end: number, vr: string): number {
  const size = bytesPerValue(vr);
  if (size === undefined || isTooLong(end - start, vr)) return 0;
  if (size !== 'text') return Math.ceil((end - start) / size);
  // Of this value alone: searched to the end of all bytes, each short text would cost as much as the whole.
  const value = bytes.subarray(start, end);
  let separators = 0;
  for (let at = value.indexOf(BACKSLASH); at >= 0; at = value.indexOf(BACKSLASH, at + 1)) separators += 1;
  return 1 + separators + Math.floor((end - start) / TEXT_BYTES_PER_VALUE);
}

/** Compressed pixels of an icon, or the like: items that hold bytes, not elements. */
function isFragments({ tag, vr }: ElementHeader): boolean {
  return tag === PIXEL_DATA || vr === 'OB' || vr === 'OW';
}

function skipFragments(input: Encoded, start: number, limit: number): number {
  let offset = start;
  while (offset < limit) {
    const { tag, length, valueOffset } = readHeader(input, offset, limit);
    if (tag === SEQUENCE_END) return valueOffset;
    if (tag !== ITEM || length === UNDEFINED_LENGTH) break;
    offset = valueOffset + length;
  }
  throw cutOff(input.source, 'compressed pixels in the header have no end');
}

/**
 * Some writers say explicit VR and write implicit, or the other way round, in a whole file or in the items of
 * a sequence.
 */
function writtenEncoding(input: Encoded, offset: number, limit: number): Encoded {
  if (input.implicit && isExplicitHeader(input, offset, limit)) return { ...input, implicit: false };
  if (!input.implicit && isImplicitHeader(input, offset, limit)) return { ...input, implicit: true };
  return input;
}

function asTexts(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map((term) => (typeof term === 'string' ? term : ''));
}

const ZEROS = Buffer.alloc(64 * 1024);

/** Where the zeros begin that fill the bytes up to their end. */
function trailingZeros(bytes: Uint8Array): number {
  let start = bytes.length;
  // Block by block, as there may be a gigabyte of them.
  while (start >= ZEROS.length && ZEROS.equals(bytes.subarray(start - ZEROS.length, start))) {
    start -= ZEROS.length;
  }
  while (start > 0 && bytes[start - 1] === 0) start -= 1;
  return start;
}
