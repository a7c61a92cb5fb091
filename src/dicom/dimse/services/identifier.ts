import { data } from 'dcmjs';
import { messageOf } from '../../../coded-error.ts';
import type { DicomDataset } from '../../reading/dataset.ts';
import { vrOf } from '../../reading/dictionary.ts';
import { type ReadingEffort, readElements } from '../../reading/elements.ts';
import { encoded } from '../../reading/part10.ts';
import { TRANSFER_SYNTAX } from '../../reading/transfer-syntaxes.ts';
import { MalformedPdu } from '../wire/pdu.ts';

/** What is asked: keyword -> value; an empty one asks for the attribute; an array has a sequence's items. */
export interface Identifier {
  readonly [keyword: string]: string | readonly Identifier[];
}

/** Both in one context: every implementation takes the second (PS3.5 section 10.1). */
export const IDENTIFIER_SYNTAXES = [
  TRANSFER_SYNTAX.explicitLittleEndian,
  TRANSFER_SYNTAX.implicitLittleEndian,
] as const;

/** Far more than a search or a report on storage commitment holds of one match. */
const LONGEST_BYTES = 16 * 2 ** 20;
/** Most matches have less. */
const FIRST_BYTES = 2048;
const EFFORT: ReadingEffort = { elements: 500_000, items: 150_000, values: 500_000 };
const ASCII = /^[\x20-\x7e]*$/;

/** An identifier (PS3.4 annex C.2.2.1) as a data set; text beyond ASCII in UTF-8. */
export function writeIdentifier(identifier: Identifier, transferSyntaxUid: string): Buffer {
  const isAscii = Object.values(identifier).every((value) => typeof value !== 'string' || ASCII.test(value));
  const whole = isAscii ? identifier : { ...identifier, SpecificCharacterSet: 'ISO_IR 192' };
  return writeElements(whole, transferSyntaxUid === TRANSFER_SYNTAX.implicitLittleEndian);
}

/** A data set of a message, in its own character set. @throws MalformedPdu */
export async function readDataSet(
  chunks: AsyncIterable<Uint8Array>,
  transferSyntaxUid: string,
  source: string,
): Promise<DicomDataset> {
  // Copied, as chunks of a single byte would take a hundred times their length.
  let room = new Uint8Array(FIRST_BYTES);
  let length = 0;
  for await (const chunk of chunks) {
    const needed = length + chunk.length;
    if (needed > LONGEST_BYTES) throw new MalformedPdu(`${source} has more than ${LONGEST_BYTES} bytes`);
    if (needed > room.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * room.length));
      larger.set(room.subarray(0, length));
      room = larger;
    }
    room.set(chunk, length);
    length = needed;
  }
  const bytes = room.slice(0, length);
  try {
    return readElements(encoded(bytes, transferSyntaxUid, source), 0, { effort: EFFORT }).dataset;
  } catch (error) {
    throw new MalformedPdu(messageOf(error), { cause: error });
  }
}

function writeElements(identifier: Identifier, implicit: boolean): Buffer {
  const elements = Object.entries(identifier)
    .map(([keyword, value]) => [tagOf(keyword), value] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Buffer.concat(elements.map(([tag, value]) => writeElement(tag, value, implicit)));
}

function writeElement(tag: string, value: string | readonly Identifier[], implicit: boolean): Buffer {
  if (typeof value === 'string') return element(tag, vrOf(tag) ?? 'UN', padded(tag, value), implicit);
  const items = value.map((one) => {
    const content = writeElements(one, implicit);
    return Buffer.concat([tagAndLength('FFFEE000', content.length), content]);
  });
  return element(tag, 'SQ', Buffer.concat(items), implicit);
}

function padded(tag: string, value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  if (bytes.length % 2 === 0) return bytes;
  return Buffer.concat([bytes, Buffer.from(vrOf(tag) === 'UI' ? '\0' : ' ')]);
}

function element(tag: string, vr: string, value: Buffer, implicit: boolean): Buffer {
  if (implicit) return Buffer.concat([tagAndLength(tag, value.length), value]);
  if (vr === 'SQ') {
    const head = Buffer.concat([tagAndLength(tag, 0).subarray(0, 4), Buffer.from('SQ\0\0'), Buffer.alloc(4)]);
    head.writeUInt32LE(value.length, 8);
    return Buffer.concat([head, value]);
  }
  const head = tagAndLength(tag, 0);
  head.write(vr, 4, 'latin1');
  head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}

function tagAndLength(tag: string, length: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  head.writeUInt32LE(length, 4);
  return head;
}

function tagOf(keyword: string): string {
  const entry = data.DicomMetaDictionary.nameMap[keyword];
  if (!entry) throw new TypeError(`${keyword} is no DICOM keyword`);
  return entry.tag.replaceAll(/[(),]/g, '');
}
