import { inflateRawSync } from 'node:zlib';
import { DicomError } from '../errors.ts';
import type { PixelDataElement } from '../pixels/pixel-data.ts';
import { TRANSFER_SYNTAX } from '../pixels/transfer-syntaxes.ts';
import type { Encoded } from './element-header.ts';
import { readElements } from './elements.ts';

export interface Part10 {
  readonly dataset: Readonly<Record<string, unknown>>;
  readonly transferSyntaxUid: string;
  readonly pixelData?: PixelDataElement;
}

const PREAMBLE_BYTES = 128;
const META_GROUP = 0x0002;
/** Images deflate to a half or a tenth; what grows more than this, and beyond the floor, is an attack. */
const MAX_INFLATION = 30;
const INFLATION_FLOOR_BYTES = 64 * 1024 * 1024;

/**
 * Reads a DICOM file (PS3.10 section 7) up to its pixel data; what follows that is padding and signatures.
 * Every length is checked against the file before anything is read or reserved by it.
 * Throws DICOM_UNREADABLE.
 */
export function readPart10(file: Uint8Array, source: string): Part10 {
  const bytes = inArrayBuffer(file);
  const marker = String.fromCharCode(...bytes.subarray(PREAMBLE_BYTES, PREAMBLE_BYTES + 4));
  if (marker !== 'DICM') {
    throw new DicomError(
      'DICOM_UNREADABLE',
      `${source}: not a DICOM file (no "DICM" at byte ${PREAMBLE_BYTES})`,
    );
  }
  const meta = readElements(
    encoded(bytes, TRANSFER_SYNTAX.explicitLittleEndian, source),
    PREAMBLE_BYTES + 4,
    META_GROUP,
  );
  const transferSyntaxUid = meta.dataset['TransferSyntaxUID'];
  if (typeof transferSyntaxUid !== 'string') {
    throw new DicomError('DICOM_UNREADABLE', `${source}: the file meta information has no TransferSyntaxUID`);
  }
  const deflated = transferSyntaxUid === TRANSFER_SYNTAX.deflated;
  const body = deflated ? inflate(bytes.subarray(meta.end), source) : bytes;
  const { dataset, pixelData } = readElements(
    encoded(body, transferSyntaxUid, source),
    deflated ? 0 : meta.end,
  );
  return { dataset, transferSyntaxUid, ...(pixelData && { pixelData }) };
}

/** Memory that is shared with other threads could change under the reader's hands. */
function inArrayBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}

function inflate(bytes: Uint8Array, source: string): Uint8Array<ArrayBuffer> {
  const maxOutputLength = Math.max(INFLATION_FLOOR_BYTES, bytes.length * MAX_INFLATION);
  try {
    return inArrayBuffer(inflateRawSync(bytes, { maxOutputLength }));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DicomError('DICOM_UNREADABLE', `${source}: the deflated data set is corrupt: ${reason}`, {
      cause,
    });
  }
}

/** All compressed transfer syntaxes are explicit VR little endian outside the pixels. */
function encoded(bytes: Uint8Array<ArrayBuffer>, transferSyntaxUid: string, source: string): Encoded {
  return {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    implicit: transferSyntaxUid === TRANSFER_SYNTAX.implicitLittleEndian,
    littleEndian: transferSyntaxUid !== TRANSFER_SYNTAX.explicitBigEndian,
    source,
  };
}
