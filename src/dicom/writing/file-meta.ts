export interface FileMeta {
  readonly sopClassUid: string;
  readonly sopUid: string;
  readonly transferSyntaxUid: string;
  readonly implementationClassUid: string;
  readonly implementationVersionName: string;
  /** AE title of who sent the instance. */
  readonly sourceAeTitle: string;
}

const PREAMBLE = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]);
const META_GROUP = 0x0002;
/** The group length's own element: tag, VR, length and four bytes. */
const GROUP_LENGTH_BYTES = 12;

/**
 * What stands before a data set in a file (PS3.10 section 7.1): a data set that came by C-STORE has no file
 * meta information. Values are ASCII: UIDs and AE titles that were checked.
 */
export function fileMeta(meta: FileMeta): Buffer {
  const elements = Buffer.concat([
    // FileMetaInformationVersion
    Buffer.from([0x02, 0x00, 0x01, 0x00, 0x4f, 0x42, 0, 0, 2, 0, 0, 0, 0x00, 0x01]),
    shortElement(0x0002, 'UI', meta.sopClassUid),
    shortElement(0x0003, 'UI', meta.sopUid),
    shortElement(0x0010, 'UI', meta.transferSyntaxUid),
    shortElement(0x0012, 'UI', meta.implementationClassUid),
    shortElement(0x0013, 'SH', meta.implementationVersionName),
    shortElement(0x0016, 'AE', meta.sourceAeTitle),
  ]);
  const groupLength = Buffer.alloc(GROUP_LENGTH_BYTES);
  groupLength.writeUInt16LE(META_GROUP, 0);
  groupLength.write('UL', 4, 'latin1');
  groupLength.writeUInt16LE(4, 6);
  groupLength.writeUInt32LE(elements.length, 8);
  return Buffer.concat([PREAMBLE, groupLength, elements]);
}

/**
 * An element in Explicit VR Little Endian with a length of 16 bits; values have an even number of bytes
 * (PS3.5 6.2).
 */
function shortElement(element: number, vr: 'UI' | 'SH' | 'AE', value: string): Buffer {
  const padded = value.length % 2 === 0 ? value : value + (vr === 'UI' ? '\0' : ' ');
  const header = Buffer.alloc(8);
  header.writeUInt16LE(META_GROUP, 0);
  header.writeUInt16LE(element, 2);
  header.write(vr, 4, 'latin1');
  header.writeUInt16LE(padded.length, 6);
  return Buffer.concat([header, Buffer.from(padded, 'latin1')]);
}
