import type { TextDecoding } from './character-sets.ts';
import { vrOf } from './dictionary.ts';

/** Text that may not be split at a backslash (PS3.5 table 6.2-1). */
const UNSPLIT_TEXT = new Set(['ST', 'LT', 'UT', 'UR']);
/** Text whose characters SpecificCharacterSet governs (PS3.5 6.1.2.3). */
const ENCODED_TEXT = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
/** Texts whose length has 32 bits in explicit VR; of others no file in explicit VR has more than 64 KiB. */
const LONG_TEXT = new Set(['UC', 'UR', 'UT']);
const TEXT = new Set('AE AS CS DA DS DT IS LO PN SH TM UC UI ST LT UT UR'.split(' '));

/** Bytes of one value, and how to take it. */
const NUMBERS: Readonly<Record<string, [number, (view: DataView, at: number, little: boolean) => unknown]>> =
  {
    US: [2, (view, at, little) => view.getUint16(at, little)],
    xs: [2, (view, at, little) => view.getUint16(at, little)], // US or SS: in implicit VR nobody says which
    SS: [2, (view, at, little) => view.getInt16(at, little)],
    UL: [4, (view, at, little) => view.getUint32(at, little)],
    up: [4, (view, at, little) => view.getUint32(at, little)],
    SL: [4, (view, at, little) => view.getInt32(at, little)],
    FL: [4, (view, at, little) => view.getFloat32(at, little)],
    FD: [8, (view, at, little) => view.getFloat64(at, little)],
    UV: [8, (view, at, little) => view.getBigUint64(at, little)],
    SV: [8, (view, at, little) => view.getBigInt64(at, little)],
    AT: [
      4,
      (view, at, little) => tagText(view.getUint16(at, little)) + tagText(view.getUint16(at + 2, little)),
    ],
  };

/** Longer values (overlays, look-up tables, vendors' headers) are never used here and would fill memory. */
const MAX_BINARY_BYTES = 65_536;
const MAX_TEXT_BYTES = 1024 * 1024;
/** As many values as the longest element of short ones holds, and the longest binary one. */
const MAX_VALUES = 32_768;

export function isText(vr: string): boolean {
  return TEXT.has(vr);
}

/** Whether a value has more bytes than are kept. */
export function isTooLong(length: number, vr: string): boolean {
  return length > (LONG_TEXT.has(vr) ? MAX_TEXT_BYTES : MAX_BINARY_BYTES);
}

/** As `isTooLong`, of the values of an element in DICOM JSON. */
export function areTooMany(values: readonly unknown[], vr: string): boolean {
  if (values.length > MAX_VALUES) return true;
  let length = 0;
  for (const value of values) if (typeof value === 'string') length += value.length;
  return isTooLong(length, vr);
}

/** Bytes of one of an element's values; undefined where it is taken as bytes. */
export function bytesPerValue(vr: string): number | 'text' | undefined {
  return TEXT.has(vr) ? 'text' : NUMBERS[vr]?.[0];
}

/** One value alone, several as an array, none as null. */
export function simplify(values: readonly unknown[]): unknown {
  if (values.length === 0 || (values.length === 1 && values[0] === '')) return null;
  return values.length === 1 ? values[0] : values;
}

/**
 * The VR by which to read an element. Writers who know a tag no longer (UN), or took its value for bytes,
 * still wrote what the standard says of the tag.
 */
export function effectiveVr(tag: string, vr: string): string {
  if (TEXT.has(vr) || vr in NUMBERS || vr === 'SQ') return vr;
  return vrOf(tag) ?? vr;
}

/**
 * The value of an element that is no sequence, in the form of `DicomDataset`; undefined where it is too long
 * to keep.
 * @param vr as `effectiveVr` gives it
 */
export function readValue(
  bytes: Uint8Array,
  vr: string,
  littleEndian: boolean,
  decode: TextDecoding,
): unknown {
  if (bytes.length === 0) return null;
  if (isTooLong(bytes.length, vr)) return undefined;
  if (TEXT.has(vr)) {
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    return simplify(splitText(vr, ENCODED_TEXT.has(vr) ? decode(raw) : raw));
  }
  const number = NUMBERS[vr];
  if (!number) return bytes.slice().buffer;
  const [size, take] = number;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return simplify(
    Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => take(view, i * size, littleEndian)),
  );
}

function splitText(vr: string, value: string): string[] {
  const unsplit = UNSPLIT_TEXT.has(vr);
  const values = unsplit ? [value] : value.split('\\');
  // Padding is a space, or a zero byte for UI and for writers who mix them up.
  return values.map((item) => {
    const end = trimmedLength(item);
    return unsplit ? item.slice(0, end) : item.slice(0, end).replace(/^ +/, '');
  });
}

/** Without a regular expression: on long runs of blanks inside a text, one would take quadratic time. */
function trimmedLength(text: string): number {
  let end = text.length;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\0')) end -= 1;
  return end;
}

function tagText(half: number): string {
  return half.toString(16).toUpperCase().padStart(4, '0');
}
