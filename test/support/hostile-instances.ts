import { deflateRawSync } from 'node:zlib';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { explicit, implicit, joined, rawFile } from './raw-elements.ts';

/** An instance that is small to send, or dull to look at, and costs its reader much. */
export interface HostileInstance {
  readonly name: string;
  readonly transferSyntaxUid: string;
  /** As it is sent: deflated, where the transfer syntax says so. */
  readonly dataSet: (sopUid: string, studyUid: string) => Uint8Array;
}

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const { explicitLittleEndian, implicitLittleEndian, deflated, jpegLosslessSv1 } = TRANSFER_SYNTAX;
const LONGEST_TEXT_BYTES = 524_287;
const OPEN = 0xffff_ffff;

/** What every instance begins with. */
const identity = (sopUid: string, studyUid: string) =>
  joined(
    explicit(0x00080016, 'UI', `${CT_IMAGE_STORAGE}\0`),
    explicit(0x00080018, 'UI', sopUid.length % 2 === 0 ? sopUid : `${sopUid}\0`),
    explicit(0x00080060, 'CS', 'CT'),
    explicit(0x0020000d, 'UI', studyUid.length % 2 === 0 ? studyUid : `${studyUid}\0`),
    explicit(0x0020000e, 'UI', uidOfSeries(studyUid)),
  );
const uidOfSeries = (studyUid: string) => {
  const uid = `${studyUid}.1`;
  return uid.length % 2 === 0 ? uid : `${uid}\0`;
};
const implicitIdentity = (sopUid: string, studyUid: string) =>
  joined(
    implicit(0x00080016, `${CT_IMAGE_STORAGE}\0`),
    implicit(0x00080018, sopUid.length % 2 === 0 ? sopUid : `${sopUid}\0`),
    implicit(0x0020000d, studyUid.length % 2 === 0 ? studyUid : `${studyUid}\0`),
    implicit(0x0020000e, uidOfSeries(studyUid)),
  );

const concatenated = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const repeated = (count: number, one: (index: number) => Uint8Array) =>
  concatenated(Array.from({ length: count }, (_, index) => one(index)));
const filled = (length: number, pattern: Uint8Array) => new Uint8Array(Buffer.alloc(length, pattern));

const backslashes = (count: number, tag = 0x0099_0010, vr = 'UC') =>
  repeated(count, (i) => explicit(tag + i, vr, new Uint8Array(LONGEST_TEXT_BYTES - 1).fill(0x5c)));
const emptyItems = (count: number) => explicit(0x0099_1001, 'SQ', filled(8 * count, implicit(0xfffee000)));

/** Sequences within one another, each of one item. */
function nested(levels: number): Uint8Array {
  const open = joined(explicit(0x00081140, 'SQ', '', OPEN), implicit(0xfffee000, '', OPEN));
  const close = joined(implicit(0xfffee00d), implicit(0xfffee0dd));
  return concatenated([filled(open.length * levels, open), filled(close.length * levels, close)]);
}

const small = (count: number, value: string, vr: string) =>
  filled(count * explicit(0x0099_1010, vr, value).length, explicit(0x0099_1010, vr, value));

/** @param scale 1: as an attacker would send them; less: as many as show that they are refused */
export function hostileInstances(scale = 1): HostileInstance[] {
  const of = (count: number) => Math.max(2, Math.ceil(count * scale));
  const plain = (name: string, more: () => Uint8Array, syntax: string = explicitLittleEndian) => ({
    name,
    transferSyntaxUid: syntax,
    dataSet: (sopUid: string, studyUid: string) =>
      concatenated([
        syntax === implicitLittleEndian ? implicitIdentity(sopUid, studyUid) : identity(sopUid, studyUid),
        more(),
      ]),
  });
  const deflatedSet = (name: string, more: () => Uint8Array) => ({
    name,
    transferSyntaxUid: deflated,
    dataSet: (sopUid: string, studyUid: string) =>
      new Uint8Array(deflateRawSync(concatenated([identity(sopUid, studyUid), more()]), { level: 9 })),
  });
  const escapes = 'A\\\u001b$B\u001b(B^\\'.repeat(6000);
  const openItem = joined(
    implicit(0xfffee000, '', OPEN),
    explicit(0x00080100, 'SH', 'x '),
    implicit(0xfffee00d),
  );
  const openItems = (count: number) =>
    concatenated([
      explicit(0x0099_1001, 'SQ', '', OPEN),
      filled(count * openItem.length, openItem),
      implicit(0xfffee0dd),
    ]);
  return [
    deflatedSet('deflated texts of half a million values', () => backslashes(of(60))),
    deflatedSet('deflated empty items', () => emptyItems(of(990_000))),
    deflatedSet('deflated zeros', () => new Uint8Array(of(100e6))),
    plain('plain texts of half a million values', () => backslashes(of(126))),
    plain('plain empty items', () => emptyItems(of(8_000_000))),
    plain('plain small elements', () => small(of(6_000_000), 'x ', 'SH')),
    plain('nested sequences', () => nested(of(500_000))),
    plain('items of undefined length', () => openItems(of(400_000))),
    plain('a sequence without an end', () =>
      concatenated([explicit(0x0099_1001, 'SQ', '', OPEN), filled(8 * of(2_000_000), implicit(0xfffee000))]),
    ),
    plain('names in many character sets', () =>
      concatenated([
        explicit(0x00080005, 'CS', '\\ISO 2022 IR 87\\ISO 2022 IR 159\\ISO 2022 IR 149 '),
        repeated(of(900), () => explicit(0x00101001, 'PN', escapes.slice(0, 65_000))),
      ]),
    ),
    plain('lists of UIDs', () => repeated(of(1000), () => explicit(0x00080062, 'UI', '1\\'.repeat(32_000)))),
    plain(
      'private elements in implicit VR',
      () => filled(8 * of(8_000_000), implicit(0x0099_1010)),
      implicitLittleEndian,
    ),
    plain('numbers in lists', () =>
      repeated(of(1000), () => explicit(0x0028_1101, 'FD', new Uint8Array(65_528))),
    ),
    plain('sizes of pixels in lists', () =>
      repeated(of(1000), () => explicit(0x00280008, 'IS', '1\\'.repeat(32_000))),
    ),
    plain(
      'empty fragments of compressed pixels',
      () =>
        concatenated([
          explicit(0x00280008, 'IS', '1 '),
          explicit(0x00280010, 'US', [2, 0]),
          explicit(0x00280011, 'US', [2, 0]),
          explicit(0x00280100, 'US', [16, 0]),
          explicit(0x7fe00010, 'OB', '', OPEN),
          filled(8 * of(8_000_000), implicit(0xfffee000)),
        ]),
      jpegLosslessSv1,
    ),
    plain('zeros behind the data set', () => new Uint8Array(of(66e6))),
  ];
}

/** As a file. */
export function hostileFile(instance: HostileInstance, sopUid: string, studyUid: string): Uint8Array {
  return concatenated([rawFile(instance.transferSyntaxUid), instance.dataSet(sopUid, studyUid)]);
}
