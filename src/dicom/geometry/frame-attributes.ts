import { type DicomDataset, sequence, verbatim } from '../reading/dataset.ts';
import type { SourceSlice } from './series-volume.ts';

/**
 * An attribute of one frame, as written: from the frame's own functional groups, from the shared ones
 * (PS3.3 C.7.6.16), or from the top level of a single-frame image. Empty where it is in none.
 */
function frameAttribute(slice: SourceSlice, macro: string, keyword: string): string[] {
  const perFrame = sequence(slice.dataset, 'PerFrameFunctionalGroupsSequence')[(slice.frameNumber ?? 1) - 1];
  const shared = sequence(slice.dataset, 'SharedFunctionalGroupsSequence')[0];
  const places: DicomDataset[] = [perFrame, shared].flatMap((group) => (group ? sequence(group, macro) : []));
  for (const place of [...places, slice.dataset]) {
    const values = verbatim(place, keyword);
    if (values.some((value) => value.trim() !== '')) return values;
  }
  return [];
}

/** Image Position (Patient) of a frame: x, y, z in mm, LPS, as written. */
export function imagePosition(slice: SourceSlice): string[] {
  return frameAttribute(slice, 'PlanePositionSequence', 'ImagePositionPatient');
}

/** Image Orientation (Patient) of a frame: direction cosines of row and column, as written. */
export function imageOrientation(slice: SourceSlice): string[] {
  return frameAttribute(slice, 'PlaneOrientationSequence', 'ImageOrientationPatient');
}

/** Pixel Spacing of a frame: between rows, between columns, in mm, as written. */
export function pixelSpacing(slice: SourceSlice): string[] {
  return frameAttribute(slice, 'PixelMeasuresSequence', 'PixelSpacing');
}

/** Slice Thickness of a frame in mm, as written; empty where it isn't stated. */
export function sliceThickness(slice: SourceSlice): string[] {
  return frameAttribute(slice, 'PixelMeasuresSequence', 'SliceThickness');
}
