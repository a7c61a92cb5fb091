import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { type Instance, readInstance, text } from '../../src/dicom/reading/dataset.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { type Attributes, ctAttributes, part10, words } from './part10.ts';
import { context } from './result-fixtures.ts';

export const ENHANCED_CT = '1.2.840.10008.5.1.4.1.1.2.1';
export const ENHANCED_MR = '1.2.840.10008.5.1.4.1.1.4.1';

export interface EnhancedFrame {
  readonly position: readonly string[];
  /** The twelve stored values of the frame. */
  readonly values: readonly number[];
  /** Further macros of this frame. */
  readonly macros?: Attributes;
}

/** Macros that all frames share in `enhancedImage`, unless others are given. */
export const SHARED_MACROS: Attributes = {
  PixelMeasuresSequence: [{ PixelSpacing: ['2', '1.5'], SliceThickness: '9' }],
  PlaneOrientationSequence: [{ ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'] }],
  PixelValueTransformationSequence: [{ RescaleSlope: '1', RescaleIntercept: '0', RescaleType: 'HU' }],
};

/**
 * An enhanced CT of 3 rows and 4 columns; plane position stands in each frame, all else in the shared macros.
 */
export function enhancedImage(
  frames: readonly EnhancedFrame[],
  over: Attributes = {},
  shared: Attributes = SHARED_MACROS,
): Instance {
  const instance = readInstance(enhancedFile(frames, over, shared), 'enhanced');
  return { ...instance, source: `enhanced ${text(instance.dataset, 'SOPInstanceUID')?.slice(5)}` };
}

/** The same as the bytes of a file. */
export function enhancedFile(
  frames: readonly EnhancedFrame[],
  over: Attributes = {},
  shared: Attributes = SHARED_MACROS,
): Uint8Array<ArrayBuffer> {
  const attributes = ctAttributes({
    SOPClassUID: ENHANCED_CT,
    ImagePositionPatient: undefined,
    ImageOrientationPatient: undefined,
    PixelSpacing: undefined,
    RescaleSlope: undefined,
    RescaleIntercept: undefined,
    NumberOfFrames: String(frames.length),
    SharedFunctionalGroupsSequence: [shared],
    PerFrameFunctionalGroupsSequence: frames.map(({ position, macros }) => ({
      PlanePositionSequence: [{ ImagePositionPatient: position }],
      ...macros,
    })),
    PixelData: words(frames.flatMap(({ values }) => values)),
    ...over,
  });
  return part10(attributes);
}

/** What validators want of a source's patient and study, as results copy them. */
const STUDY = {
  PatientBirthDate: '19600102',
  PatientSex: 'F',
  StudyDate: '20240110',
  StudyTime: '101500',
  StudyID: 'S1',
  AccessionNumber: 'A1',
  ReferringPhysicianName: 'Roe^Richard',
  SeriesNumber: '3',
};

/** The SEG of an enhanced image whose frames 2 and 1, in this order of their places, hold one voxel each. */
export async function resultsOfEnhanced() {
  const frames = [6, 2, 4, 0].map((z) => ({
    position: ['-10', '20', String(z)],
    values: Array<number>(12).fill(z),
  }));
  const series = await buildVolume([enhancedImage(frames, STUDY)]);
  const mask = new Uint8Array(48);
  mask.set([1], 12 + 5); // the plane at 2 mm: frame 2
  mask.set([1], 36 + 7); // the plane at 6 mm: frame 1
  const given = context({ series, mask, softMask: mask.map((value) => 200 * value) });
  const segmentation = createSegmentation(given);
  if (!segmentation) throw new Error('nothing was written');
  return { series, mask, given, segmentation };
}
