import { DicomError } from '../dicom-error.ts';
import { vrOf } from './dictionary.ts';
import { cutOff, describeTag } from './tag-words.ts';

/** Bytes, and how data elements are written in them (PS3.5 section 7). */
export interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  readonly implicit: boolean;
  readonly littleEndian: boolean;
  readonly source: string;
}

export interface ElementHeader {
  /** Eight upper-case hexadecimal digits. */
  readonly tag: string;
  /**
   * As written; in implicit VR as the dictionary says, UN where it doesn't. Items and delimiters have none.
   */
  readonly vr: string;
  /** UNDEFINED_LENGTH, or it lies inside the limit. */
  readonly length: number;
  readonly valueOffset: number;
}

export const UNDEFINED_LENGTH = 0xffff_ffff;
const DELIMITERS_GROUP = 'FFFE';
/** VRs with two reserved bytes and a length of 32 bits in explicit VR (PS3.5 7.1.2). */
const LONG_VRS = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const SHORT_VRS = new Set('AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
/** Codes of VRs to come have the long form, as PS3.5 7.1.2 promises. */
const ANY_VR = /^[A-Z]{2}$/;

/**
 * Reads tag, VR and length of the element at an offset, and checks that its value ends before a limit.
 * Throws DICOM_UNREADABLE.
 */
export function readHeader(input: Encoded, offset: number, limit: number): ElementHeader {
  const { view, littleEndian, implicit, source } = input;
  const SHORT_HEADER = 8;
  const LONG_HEADER = 12;
  if (offset + SHORT_HEADER > limit) throw cutOff(source, `an element at byte ${offset} is not complete`);
  const tag = readTag(input, offset);
  let header: ElementHeader;
  if (implicit || tag.startsWith(DELIMITERS_GROUP)) {
    const vr = implicit ? (vrOf(tag) ?? 'UN') : '';
    const length = view.getUint32(offset + 4, littleEndian);
    header = { tag, vr, length, valueOffset: offset + SHORT_HEADER };
  } else {
    const vr = readVr(input, offset);
    if (SHORT_VRS.has(vr)) {
      const length = view.getUint16(offset + 6, littleEndian);
      header = { tag, vr, length, valueOffset: offset + SHORT_HEADER };
    } else if (!LONG_VRS.has(vr) && !ANY_VR.test(vr)) {
      const what = `byte ${offset} should begin an element, but ${describeTag(tag)} has no valid VR there`;
      throw new DicomError('DICOM_UNREADABLE', `${source}: corrupt: ${what}`);
    } else {
      if (offset + LONG_HEADER > limit)
        throw cutOff(source, `the header of ${describeTag(tag)} is not complete`);
      const length = view.getUint32(offset + 8, littleEndian);
      header = { tag, vr, length, valueOffset: offset + LONG_HEADER };
    }
  }
  const left = limit - header.valueOffset;
  if (header.length !== UNDEFINED_LENGTH && header.length > left) {
    throw cutOff(source, `${describeTag(tag)} says ${header.length} bytes, but ${left} are left`);
  }
  return header;
}

/** Whether the first element at an offset, said to be explicit VR, can only be implicit. */
export function isImplicitHeader(input: Encoded, offset: number, limit: number): boolean {
  if (offset + 8 > limit || ANY_VR.test(readVr(input, offset))) return false;
  const tag = readTag(input, offset);
  if (tag.startsWith(DELIMITERS_GROUP) || vrOf(tag) === undefined) return false;
  const length = input.view.getUint32(offset + 4, input.littleEndian);
  return length === UNDEFINED_LENGTH || length <= limit - offset - 8;
}

/** Whether the first element at an offset, said to be implicit VR, names the very VR that its tag has. */
export function isExplicitHeader(input: Encoded, offset: number, limit: number): boolean {
  return offset + 8 <= limit && readVr(input, offset) === vrOf(readTag(input, offset));
}

function readTag({ view, littleEndian }: Encoded, offset: number): string {
  return hex(view.getUint16(offset, littleEndian)) + hex(view.getUint16(offset + 2, littleEndian));
}

function readVr({ view }: Encoded, offset: number): string {
  return String.fromCharCode(view.getUint8(offset + 4), view.getUint8(offset + 5));
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, '0');
}
