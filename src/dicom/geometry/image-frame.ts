import { DicomError, TooMuchToRead } from '../dicom-error.ts';
import { type DicomDataset, type Instance, requiredNumber, sequence } from '../reading/dataset.ts';

/** One plane of image: a classic CT or MR image, or one frame of an enhanced one. */
export interface ImageFrame {
  readonly instance: Instance;
  /** Counted from 0 in the instance. */
  readonly index: number;
  /** Counted from 1; only for frames of multi-frame instances. */
  readonly frameNumber?: number;
  /** What messages call it. */
  readonly label: string;
  /**
   * What holds for this frame: the header, where the frame's functional groups, then the shared ones, go
   * before the top level (PS3.3 C.7.6.16). Attributes of a macro stand here as if they stood in the header,
   * as in a classic image.
   */
  readonly attributes: DicomDataset;
}

const SHARED = 'SharedFunctionalGroupsSequence';
const PER_FRAME = 'PerFrameFunctionalGroupsSequence';

/**
 * Images whose frames have functional groups: enhanced CT and MR, and those converted from classic series.
 */
const ENHANCED_IMAGES: ReadonlySet<unknown> = new Set([
  '1.2.840.10008.5.1.4.1.1.2.1',
  '1.2.840.10008.5.1.4.1.1.2.2',
  '1.2.840.10008.5.1.4.1.1.4.1',
  '1.2.840.10008.5.1.4.1.1.4.4',
]);

/**
 * Macros repeat attributes of other images, and converted ones carry whole headers: these always mean the
 * instance.
 */
const OF_THE_INSTANCE: ReadonlySet<string> = new Set(
  [
    'SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID',
    'PatientID IssuerOfPatientID PatientName PatientBirthDate Modality',
    'Rows Columns NumberOfFrames SamplesPerPixel PhotometricInterpretation',
    'BitsAllocated BitsStored HighBit PixelRepresentation LossyImageCompression',
  ].flatMap((line) => line.split(' ')),
);

export function isEnhanced(dataset: DicomDataset): boolean {
  return ENHANCED_IMAGES.has(dataset['SOPClassUID']);
}

/** Attributes of all frames of an instance: ten thousand frames whose header has five hundred. */
const MOST_ATTRIBUTES = 5_000_000;

/**
 * The frames of an instance in stored order. An instance that is no enhanced image counts as one frame.
 * Throws DICOM_ATTRIBUTE where an enhanced image describes another number of frames than it has;
 * TooMuchToRead where so many frames with so long a header would fill the memory.
 */
export function imageFrames(instance: Instance): ImageFrame[] {
  const { dataset, source } = instance;
  if (!isEnhanced(dataset)) return [{ instance, index: 0, label: source, attributes: dataset }];
  const { [SHARED]: _shared, [PER_FRAME]: _perFrame, ...header } = dataset;
  const groups = sequence(dataset, PER_FRAME);
  const count = requiredNumber(dataset, 'NumberOfFrames', source);
  if (groups.length !== count) {
    const what = `${PER_FRAME} has ${groups.length} item(s) for ${count} frame(s)`;
    throw new DicomError('DICOM_ATTRIBUTE', `${source}: ${what}`);
  }
  const shared = { ...header, ...macroAttributes(sequence(dataset, SHARED)[0]) };
  const attributes = Object.keys(shared).length;
  if (attributes * count > MOST_ATTRIBUTES) {
    const what = `${count} frames of ${attributes} attributes are more than are read`;
    throw new TooMuchToRead('DICOM_UNREADABLE', `${source}: ${what}`);
  }
  return groups.map((group, index) => ({
    instance,
    index,
    frameNumber: index + 1,
    label: count === 1 ? source : `${source}, frame ${index + 1}`,
    attributes: { ...shared, ...macroAttributes(group) },
  }));
}

/**
 * The attributes in the single items of a group's macros. Macros with several items describe other things.
 */
function macroAttributes(group: DicomDataset = {}): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (const macro of Object.keys(group)) {
    const [item, ...others] = sequence(group, macro);
    if (!item || others.length > 0) continue;
    for (const [keyword, value] of Object.entries(item)) {
      // An empty value in a frame does not hide one that all frames share.
      if (value !== null && !OF_THE_INSTANCE.has(keyword)) attributes[keyword] = value;
    }
  }
  return attributes;
}
