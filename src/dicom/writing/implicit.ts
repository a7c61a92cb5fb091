import { DicomError } from '../dicom-error.ts';

/** VRs whose length has 32 bits in explicit VR, behind two reserved bytes (PS3.5 section 7.1.2). */
const LONG_VRS: ReadonlySet<string> = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const UNDEFINED_LENGTH = 0xffff_ffff;
const DELIMITER_GROUP = 0xfffe;
const ITEM_ELEMENT = 0xe000;
const HEADER_BYTES = 8;

/**
 * A data set in Explicit VR Little Endian written in Implicit VR Little Endian (PS3.5 section 7.1.3): the
 * same elements and values, without VRs.
 * @returns its pieces, in order; values are views of the given bytes
 * @throws DICOM_UNREADABLE where it is cut off, or holds what has no such form
 */
export function implicitPieces(dataSet: Uint8Array): Uint8Array[] {
  const source = Buffer.from(dataSet.buffer, dataSet.byteOffset, dataSet.length);
  return elements(source, 0, source.length, false).pieces;
}

interface Written {
  readonly pieces: Uint8Array[];
  readonly length: number;
  /** Where reading goes on. */
  readonly end: number;
}

/** @param untilDelimiter they end with a delimitation item, which is taken too */
function elements(source: Buffer, start: number, end: number, untilDelimiter: boolean): Written {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const add = (...more: readonly Uint8Array[]): void => {
    for (const piece of more) {
      pieces.push(piece);
      length += piece.length;
    }
  };
  for (let at = start; at < end; ) {
    if (at + HEADER_BYTES > end) throw cutOff();
    const [group, element] = [source.readUInt16LE(at), source.readUInt16LE(at + 2)];
    if (group === DELIMITER_GROUP && element !== ITEM_ELEMENT) {
      if (!untilDelimiter) throw cutOff();
      add(source.subarray(at, at + HEADER_BYTES));
      return { pieces, length, end: at + HEADER_BYTES };
    }
    const isItem = group === DELIMITER_GROUP;
    const vr = isItem ? '' : source.toString('latin1', at + 4, at + 6);
    const isLong = LONG_VRS.has(vr);
    const valueAt = at + (isLong ? 12 : HEADER_BYTES);
    if (valueAt > end) throw cutOff();
    const valueLength = isItem
      ? source.readUInt32LE(at + 4)
      : isLong
        ? source.readUInt32LE(at + 8)
        : source.readUInt16LE(at + 6);
    const isOpen = valueLength === UNDEFINED_LENGTH;
    if (isOpen && !isItem && vr !== 'SQ') throw noImplicitForm(vr);
    const valueEnd = isOpen ? end : valueAt + valueLength;
    if (valueEnd > end) throw cutOff();
    if (isItem || vr === 'SQ') {
      const nested = elements(source, valueAt, valueEnd, isOpen);
      add(header(source, at, isOpen ? UNDEFINED_LENGTH : nested.length), ...nested.pieces);
      at = nested.end;
    } else {
      add(header(source, at, valueLength), source.subarray(valueAt, valueEnd));
      at = valueEnd;
    }
  }
  if (untilDelimiter) throw cutOff();
  return { pieces, length, end };
}

function header(source: Buffer, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  source.copy(bytes, 0, at, at + 4);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}

const cutOff = (): DicomError => new DicomError('DICOM_UNREADABLE', 'a data set to send is cut off');
const noImplicitForm = (vr: string): DicomError =>
  new DicomError('DICOM_UNREADABLE', `a value of VR ${vr} without a length cannot be sent in implicit VR`);
