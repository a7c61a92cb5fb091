import { DicomError } from '../dicom/dicom-error.ts';
import { unpackBits } from '../dicom/pixels/bit-packing.ts';
import {
  type DicomDataset,
  type Instance,
  number,
  requiredNumber,
  sequence,
  text,
} from '../dicom/reading/dataset.ts';
import { isNative } from '../dicom/reading/transfer-syntaxes.ts';
import { CODES, isCode } from '../results/codes.ts';
import { LABEL_MAP_SEGMENTATION_STORAGE, SEGMENTATION_STORAGE } from './segmentation-forms.ts';

/** One frame of a SEG, as far as it holds the asked segment. */
export interface SegmentFrame {
  /** The frame's own functional groups (PS3.3 C.7.6.16). */
  readonly groups: DicomDataset;
  /** One byte per pixel, row by row: 1 inside the segment. */
  readonly pixels: Uint8Array;
}

/** Whether an object is a SEG of any form. */
function isSegmentation(dataset: DicomDataset): boolean {
  const sopClass = text(dataset, 'SOPClassUID');
  return sopClass === SEGMENTATION_STORAGE || sopClass === LABEL_MAP_SEGMENTATION_STORAGE;
}

/** The number of the pancreas segment of a SEG, whoever wrote it; undefined where it has none. */
export function pancreasSegmentNumber(dataset: DicomDataset): number | undefined {
  const segment = sequence(dataset, 'SegmentSequence').find((item) =>
    sequence(item, 'SegmentedPropertyTypeCodeSequence').some((code) => isPancreas(code)),
  );
  return segment && number(segment, 'SegmentNumber');
}

/** Older writers use SNOMED's code strings. */
function isPancreas(code: DicomDataset): boolean {
  return (
    isCode(code, CODES.pancreas) ||
    (text(code, 'CodeValue') === 'T-65000' && text(code, 'CodingSchemeDesignator') === 'SRT')
  );
}

/**
 * The frames of one segment of a SEG: BINARY, FRACTIONAL (inside: more than half of the maximum) or LABELMAP,
 * native. Throws DICOM_ATTRIBUTE for an object of another kind or in another form, DICOM_TRANSFER_SYNTAX for
 * compressed pixels, DICOM_UNREADABLE where frames or groups are missing.
 */
export function segmentFrames(instance: Instance, segment: number): SegmentFrame[] {
  const { dataset, source } = instance;
  if (!isSegmentation(dataset)) throw new DicomError('DICOM_ATTRIBUTE', `${source}: not a Segmentation`);
  const groups = sequence(dataset, 'PerFrameFunctionalGroupsSequence');
  const frameCount = requiredNumber(dataset, 'NumberOfFrames', source);
  const length = requiredNumber(dataset, 'Rows', source) * requiredNumber(dataset, 'Columns', source);
  const read = frameReader(instance, length, segment);
  const available = Math.floor((8 * read.bytes.length) / (length * read.bits));
  if (groups.length !== frameCount || available < frameCount) {
    throw new DicomError(
      'DICOM_UNREADABLE',
      `${source}: ${frameCount} frames, but not the groups or pixels of as many`,
    );
  }
  const shared = sequence(dataset, 'SharedFunctionalGroupsSequence')[0] ?? {};
  return groups.flatMap((own, frame) =>
    read.isLabelMap || segmentOf(own, shared) === segment
      ? [{ groups: own, pixels: read.pixels(frame) }]
      : [],
  );
}

/**
 * The segment that a frame belongs to (PS3.3 C.8.20.3.1), in its own groups or, where all are of one, in the
 * shared.
 */
function segmentOf(own: DicomDataset, shared: DicomDataset): number | undefined {
  const [item] = [own, shared].flatMap((groups) => sequence(groups, 'SegmentIdentificationSequence'));
  return item && number(item, 'ReferencedSegmentNumber');
}

interface FrameReader {
  readonly bytes: Uint8Array;
  readonly bits: number;
  readonly isLabelMap: boolean;
  pixels(frame: number): Uint8Array;
}

function frameReader(
  { dataset, frames, transferSyntaxUid, source }: Instance,
  length: number,
  segment: number,
): FrameReader {
  if (!isNative(transferSyntaxUid)) {
    throw new DicomError('DICOM_TRANSFER_SYNTAX', `${source}: compressed segmentations are not read`);
  }
  const type = text(dataset, 'SegmentationType');
  const bits = requiredNumber(dataset, 'BitsAllocated', source);
  const bytes = concatenated(frames);
  const ofBytes = (isInside: (value: number) => boolean) => (frame: number) =>
    bytes.subarray(frame * length, (frame + 1) * length).map((value) => (isInside(value) ? 1 : 0));
  const reader = { bytes, bits, isLabelMap: type === 'LABELMAP' };
  if (type === 'BINARY' && bits === 1) {
    return { ...reader, pixels: (frame) => unpackBits(bytes, frame * length, length) };
  }
  if (type === 'FRACTIONAL' && bits === 8) {
    const half = requiredNumber(dataset, 'MaximumFractionalValue', source) / 2;
    return { ...reader, pixels: ofBytes((value) => value > half) };
  }
  if (type === 'LABELMAP' && bits === 8) return { ...reader, pixels: ofBytes((value) => value === segment) };
  if (type === 'LABELMAP' && bits === 16) {
    const values = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const pixels = (frame: number) =>
      Uint8Array.from({ length }, (_, i) =>
        values.getUint16(2 * (frame * length + i), true) === segment ? 1 : 0,
      );
    return { ...reader, pixels };
  }
  throw new DicomError(
    'DICOM_ATTRIBUTE',
    `${source}: SegmentationType ${type} with ${bits} bits is not read`,
  );
}

/** Bits run on across frames, so frames that were cut at bytes are put together again. */
function concatenated(frames: readonly Uint8Array[]): Uint8Array {
  const [only] = frames;
  return frames.length === 1 && only ? only : Buffer.concat(frames);
}
