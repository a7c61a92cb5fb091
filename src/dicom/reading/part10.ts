import { inflateRawSync } from 'node:zlib';
import { messageOf } from '../../coded-error.ts';
import { DicomError, TooMuchToRead } from '../dicom-error.ts';
import { bareStart } from './bare-data-set.ts';
import type { Encoded } from './element-header.ts';
import { type ReadingEffort, type ReadingLimit, readElements } from './elements.ts';
import type { PixelDataElement } from './pixel-data.ts';
import { TRANSFER_SYNTAX } from './transfer-syntaxes.ts';

export interface Part10 {
  readonly dataset: Readonly<Record<string, unknown>>;
  readonly transferSyntaxUid: string;
  readonly pixelData?: PixelDataElement;
}

const PREAMBLE_BYTES = 128;
const META_GROUP = 0x0002;
const PIXEL_DATA_GROUP = 0x7fe0;
/** Images deflate to a half or a tenth, masks to a hundredth; what grows beyond this is an attack. */
const MAX_INFLATION = 30;
const INFLATION_ALLOWANCE_BYTES = 16 * 1024 * 1024;
/** Whatever it was before: it is in memory as a whole, for its pixels or for its header. */
const MOST_INFLATED_BYTES = 512 * 1024 * 1024;
const MOST_INFLATED_FOR_HEADER_BYTES = 96 * 1024 * 1024;

/**
 * Reads a DICOM file (PS3.10 section 7) up to its pixel data; what follows that is padding and signatures.
 * Preamble and file meta information may be missing: then the data set is read as it is written.
 * Every length is checked against the file before anything is read or reserved by it.
 * Throws DICOM_UNREADABLE.
 * @param effort where given: TooMuchToRead beyond it, and for what has to be inflated first
 * @param mostBytes that a deflated data set may become, beside the bound that its own size sets
 */
export function readPart10(
  file: Uint8Array,
  source: string,
  effort?: ReadingEffort,
  mostBytes?: number,
): Part10 {
  const { transferSyntaxUid, input, start } = dataSetOf(file, source, effort, mostBytes);
  const { dataset, pixelData } = readElements(input, start, { effort });
  return { dataset, transferSyntaxUid, ...(pixelData && { pixelData }) };
}

/**
 * As `readPart10`, of the header alone: what comes behind it may be missing.
 * @param only tags, of the top level, whose values are taken, the rest is walked past; left out: all are
 * @param limit `beforeGroup`: they stand before this group, and nothing from there on is looked at
 */
export function readValues(
  file: Uint8Array,
  source: string,
  only?: ReadonlySet<string>,
  limit: Pick<ReadingLimit, 'effort' | 'beforeGroup'> = {},
): Pick<Part10, 'dataset' | 'transferSyntaxUid'> {
  const { effort, beforeGroup = PIXEL_DATA_GROUP } = limit;
  const { transferSyntaxUid, input, start } = dataSetOf(file, source, effort, MOST_INFLATED_FOR_HEADER_BYTES);
  const { dataset } = readElements(input, start, { beforeGroup, effort, only });
  return { dataset, transferSyntaxUid };
}

/** A file's data set, inflated where it has to be, and where in it the elements begin. */
function dataSetOf(
  file: Uint8Array,
  source: string,
  effort: ReadingEffort | undefined,
  mostBytes = MOST_INFLATED_BYTES,
) {
  const bytes = inArrayBuffer(file);
  const { transferSyntaxUid, end } = startOf(bytes, source, effort);
  const deflated = transferSyntaxUid === TRANSFER_SYNTAX.deflated;
  if (deflated && effort) throw new TooMuchToRead('DICOM_UNREADABLE', `${source}: it is deflated`);
  const body = deflated ? inflate(bytes.subarray(end), mostBytes, source) : bytes;
  return { transferSyntaxUid, input: encoded(body, transferSyntaxUid, source), start: deflated ? 0 : end };
}

function startOf(
  bytes: Uint8Array<ArrayBuffer>,
  source: string,
  effort: ReadingEffort | undefined,
): { transferSyntaxUid: string; end: number } {
  const bare = hasMarker(bytes) ? undefined : bareStart(bytes);
  if (!bare) return readMeta(bytes, source, effort);
  if (bare.kind === 'meta') return readMetaAt(bytes, bare.offset, source, effort);
  return { transferSyntaxUid: bare.transferSyntaxUid, end: bare.offset };
}

function hasMarker(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(PREAMBLE_BYTES, PREAMBLE_BYTES + 4)) === 'DICM';
}

interface Meta {
  readonly dataset: Readonly<Record<string, unknown>>;
  readonly transferSyntaxUid: string;
  readonly end: number;
}

/**
 * Reads the file meta information (PS3.10 section 7.1) at the beginning of a file, or of as much of it as is
 * at hand.
 * @returns its elements; `end`: offset of the data set
 * @throws DicomError DICOM_UNREADABLE
 */
export function readMeta(bytes: Uint8Array<ArrayBuffer>, source: string, effort?: ReadingEffort): Meta {
  if (!hasMarker(bytes)) {
    const problem = bytes.length === 0 ? 'it is empty' : `no "DICM" at byte ${PREAMBLE_BYTES}`;
    throw new DicomError('DICOM_UNREADABLE', `${source}: not a DICOM file (${problem})`);
  }
  return readMetaAt(bytes, PREAMBLE_BYTES + 4, source, effort);
}

function readMetaAt(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  source: string,
  effort: ReadingEffort | undefined,
): Meta {
  const { dataset, end } = readElements(encoded(bytes, TRANSFER_SYNTAX.explicitLittleEndian, source), start, {
    onlyGroup: META_GROUP,
    effort,
  });
  const transferSyntaxUid = dataset['TransferSyntaxUID'];
  if (typeof transferSyntaxUid !== 'string') {
    throw new DicomError('DICOM_UNREADABLE', `${source}: the file meta information has no TransferSyntaxUID`);
  }
  return { dataset, transferSyntaxUid, end };
}

/** Memory that is shared with other threads could change under the reader's hands. */
function inArrayBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}

function inflate(bytes: Uint8Array, mostBytes: number, source: string): Uint8Array<ArrayBuffer> {
  const maxOutputLength = Math.min(mostBytes, inflationLimit(bytes.length));
  try {
    return inArrayBuffer(inflateRawSync(bytes, { maxOutputLength }));
  } catch (cause) {
    throw new DicomError(
      'DICOM_UNREADABLE',
      `${source}: the deflated data set is corrupt: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}

/** Bytes that so many deflated ones may become. */
export function inflationLimit(deflatedBytes: number): number {
  return INFLATION_ALLOWANCE_BYTES + deflatedBytes * MAX_INFLATION;
}

/** All compressed transfer syntaxes are explicit VR little endian outside the pixels. */
export function encoded(bytes: Uint8Array<ArrayBuffer>, transferSyntaxUid: string, source: string): Encoded {
  return {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    implicit: transferSyntaxUid === TRANSFER_SYNTAX.implicitLittleEndian,
    littleEndian: transferSyntaxUid !== TRANSFER_SYNTAX.explicitBigEndian,
    source,
  };
}
