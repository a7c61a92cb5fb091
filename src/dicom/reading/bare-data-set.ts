import { vrOf } from './dictionary.ts';
import { TRANSFER_SYNTAX } from './transfer-syntaxes.ts';

/** Where reading begins in bytes without a preamble. */
export type BareStart =
  | { readonly kind: 'meta'; readonly offset: number }
  | { readonly kind: 'data set'; readonly offset: 0; readonly transferSyntaxUid: string };

const META_GROUP = '0002';
/** File-sets (DICOMDIR) and SOP instances begin with these groups. */
const FIRST_GROUPS: readonly string[] = ['0004', '0008'];
const ELEMENT_HEADER_BYTES = 8;

/**
 * How bytes begin that have no preamble of 128 bytes and "DICM" (PS3.10 7.1), as old writers and some
 * exports leave it out: with the file meta information, or with the data set itself, whose encoding its first
 * element shows. Undefined for anything else: no text, picture or archive begins like this.
 */
export function bareStart(bytes: Uint8Array): BareStart | undefined {
  const marked = String.fromCharCode(...bytes.subarray(0, 4)) === 'DICM' ? 4 : 0;
  if (bytes.length < marked + ELEMENT_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + marked);
  const vr = String.fromCharCode(view.getUint8(4), view.getUint8(5));
  for (const littleEndian of [true, false]) {
    const half = (offset: number) => view.getUint16(offset, littleEndian).toString(16).padStart(4, '0');
    const [group, element] = [half(0), half(2)];
    const tag = `${group}${element}`.toUpperCase();
    const isGroupLength = element === '0000';
    const known = isGroupLength ? 'UL' : vrOf(tag);
    if (known === undefined) continue;
    const isExplicit = vr === known;
    if (group === META_GROUP && isExplicit && littleEndian) return { kind: 'meta', offset: marked };
    if (!FIRST_GROUPS.includes(group)) continue;
    if (isExplicit) {
      const { explicitLittleEndian, explicitBigEndian } = TRANSFER_SYNTAX;
      const transferSyntaxUid = littleEndian ? explicitLittleEndian : explicitBigEndian;
      return { kind: 'data set', offset: 0, transferSyntaxUid };
    }
    const length = view.getUint32(4, littleEndian);
    if (littleEndian && length <= bytes.length - ELEMENT_HEADER_BYTES) {
      return { kind: 'data set', offset: 0, transferSyntaxUid: TRANSFER_SYNTAX.implicitLittleEndian };
    }
  }
  return undefined;
}
