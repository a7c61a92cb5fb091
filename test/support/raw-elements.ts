/** Data elements as bytes, little endian: for files that no writer of ours would write. */

const UNDEFINED_LENGTH = 0xffff_ffff;

export type Bytes = Uint8Array | readonly number[] | string;

function bytesOf(value: Bytes): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'latin1') : Uint8Array.from(value);
}

export function joined(...parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts.map(bytesOf)));
}

function tagBytes(tag: number): number[] {
  return [(tag >>> 16) & 0xff, tag >>> 24, tag & 0xff, (tag >>> 8) & 0xff];
}

const uint32 = (value: number) => [...new Uint8Array(Uint32Array.of(value).buffer)];

/** An element in explicit VR. A text of odd length is padded. A VR that is unknown has the long form. */
export function explicit(tag: number, vr: string, value: Bytes, length?: number): Uint8Array {
  const bytes = bytesOf(value);
  const padded = bytes.length % 2 === 0 ? bytes : joined(bytes, ' ');
  const stated = length ?? padded.length;
  const short = 'AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' ').includes(vr);
  return short
    ? joined(tagBytes(tag), vr, uint32(stated).slice(0, 2), padded)
    : joined(tagBytes(tag), vr, [0, 0], uint32(stated), padded);
}

/** An element in implicit VR, an item, or a delimiter. */
export function implicit(tag: number, value: Bytes = '', length?: number): Uint8Array {
  const bytes = bytesOf(value);
  const padded = bytes.length % 2 === 0 ? bytes : joined(bytes, ' ');
  return joined(tagBytes(tag), uint32(length ?? padded.length), padded);
}

/** Items of undefined length behind each other, and the delimiter of their sequence. */
export function undefinedItems(...items: readonly Bytes[]): Uint8Array {
  const parts = items.map((item) =>
    joined(implicit(0xfffee000, '', UNDEFINED_LENGTH), item, implicit(0xfffee00d)),
  );
  return joined(...parts, implicit(0xfffee0dd));
}

/** A sequence of undefined length in explicit VR; of VR UN, its items are implicit VR. */
export function openSequence(tag: number, vr: 'SQ' | 'UN', ...items: readonly Bytes[]): Uint8Array {
  return joined(explicit(tag, vr, '', UNDEFINED_LENGTH), undefinedItems(...items));
}

/** A Part 10 file of these elements, under a transfer syntax that they need not keep to. */
export function rawFile(transferSyntaxUid: string, ...elements: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const uid = transferSyntaxUid.length % 2 === 0 ? transferSyntaxUid : `${transferSyntaxUid}\0`;
  return joined(new Uint8Array(128), 'DICM', explicit(0x00020010, 'UI', uid), ...elements);
}
