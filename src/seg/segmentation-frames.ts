import {
  imageOrientation,
  imagePosition,
  pixelSpacing,
  sliceThickness,
} from '../dicom/geometry/frame-attributes.ts';
import type { SeriesVolume, SourceSlice } from '../dicom/geometry/series-volume.ts';
import { deriveUid } from '../dicom/uids.ts';
import { spacingBetweenSlices } from '../dicom/volume.ts';
import { decimalString, keptDecimalString } from '../dicom/writing/decimal-string.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { CODES, codeItem } from '../results/codes.ts';
import { referenceTo } from '../results/instance-reference.ts';
import { PANCREAS_SEGMENT_NUMBER } from '../results/pancreas-segment.ts';

/** Tags as AT values of the dimension module. */
const SEGMENT_IDENTIFICATION_SEQUENCE = 0x0062000a;
const REFERENCED_SEGMENT_NUMBER = 0x0062000b;
const PLANE_POSITION_SEQUENCE = 0x00209113;
const IMAGE_POSITION_PATIENT = 0x00200032;

/**
 * Multi-frame Dimension module (PS3.3 C.7.6.17): frames by segment (but in a label map, where each frame
 * holds all of them), then by position. The organization is called 3D only where the stored planes are one
 * unbroken run; empty planes inside are not stored, and would be a gap.
 */
export function dimensions(
  segmentationUid: string,
  planes: readonly number[],
  hasSegmentDimension: boolean,
): WritableDataset {
  const organization = deriveUid('dimension organization', segmentationUid);
  const first = planes[0] ?? 0;
  const unbroken = planes.length > 1 && planes.every((plane, index) => plane === first + index);
  return {
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: organization }],
    ...(unbroken ? { DimensionOrganizationType: '3D' } : {}),
    DimensionIndexSequence: [
      ...(hasSegmentDimension
        ? [
            {
              DimensionOrganizationUID: organization,
              DimensionIndexPointer: REFERENCED_SEGMENT_NUMBER,
              FunctionalGroupPointer: SEGMENT_IDENTIFICATION_SEQUENCE,
              DimensionDescriptionLabel: 'Segment',
            },
          ]
        : []),
      {
        DimensionOrganizationUID: organization,
        DimensionIndexPointer: IMAGE_POSITION_PATIENT,
        FunctionalGroupPointer: PLANE_POSITION_SEQUENCE,
        DimensionDescriptionLabel: 'Position',
      },
    ],
  };
}

/** Functional groups that hold for all frames (PS3.3 C.7.6.16): pixel measures and orientation. */
export function sharedGroups(series: SeriesVolume): WritableDataset {
  const [first] = series.slices;
  if (!first) return {};
  const spacing = decimalString(spacingBetweenSlices(series.volume.affine));
  const thickness = sliceThickness(first).map((value) => value.trim());
  return {
    PixelMeasuresSequence: [
      {
        SliceThickness: Number(thickness[0]) > 0 ? thickness.map(keptDecimalString) : spacing,
        SpacingBetweenSlices: spacing,
        PixelSpacing: pixelSpacing(first).map(keptDecimalString),
      },
    ],
    PlaneOrientationSequence: [{ ImageOrientationPatient: imageOrientation(first).map(keptDecimalString) }],
  };
}

/** Functional groups of each stored frame: position, segment, and the image that it was segmented from. */
export function perFrameGroups(
  series: SeriesVolume,
  planes: readonly number[],
  hasSegmentDimension: boolean,
): WritableDataset[] {
  return planes.flatMap((plane, index) => {
    const slice = series.slices[plane];
    return slice ? [frameGroups(slice, index + 1, hasSegmentDimension)] : [];
  });
}

function frameGroups(
  slice: SourceSlice,
  positionIndex: number,
  hasSegmentDimension: boolean,
): WritableDataset {
  const index = hasSegmentDimension ? [PANCREAS_SEGMENT_NUMBER, positionIndex] : [positionIndex];
  const segment = { SegmentIdentificationSequence: [{ ReferencedSegmentNumber: PANCREAS_SEGMENT_NUMBER }] };
  return {
    FrameContentSequence: [{ DimensionIndexValues: index }],
    PlanePositionSequence: [{ ImagePositionPatient: imagePosition(slice).map(keptDecimalString) }],
    ...(hasSegmentDimension ? segment : {}),
    DerivationImageSequence: [
      {
        DerivationCodeSequence: [codeItem(CODES.segmentation)],
        SourceImageSequence: [
          {
            ...referenceTo(slice),
            SpatialLocationsPreserved: 'YES',
            PurposeOfReferenceCodeSequence: [codeItem(CODES.sourceImage)],
          },
        ],
      },
    ],
  };
}
