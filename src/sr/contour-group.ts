import { CODES } from '../dicom/results/codes.ts';
import { pancreasTrackingUid, type ResultContext } from '../dicom/results/result-context.ts';
import { nonEmptyPlanes } from '../dicom/seg/bit-packing.ts';
import { largestSection } from '../dicom/seg/largest-section.ts';
import { PANCREAS_TRACKING_ID } from '../dicom/seg/segmentation-segment.ts';
import {
  type ContentItem,
  codeContent,
  container,
  polylineContent,
  related,
  textContent,
  uidContent,
} from './content-item.ts';
import { outerBorders } from './outer-border.ts';

/** Graphic Data is an FL, whose length in bytes is a 16 bit number (PS3.5 7.1.2): 8 bytes a point. */
const MOST_POINTS = 8191;

/**
 * The pancreas by its outlines on the images (TID 1411 row 5), the image with the largest section first. The tracking UID
 * is that of the group with the measurements: viewers that draw measurements on images, and fail on a group without
 * coordinates, join the two and show the volume beside the first outline. The measurements are not said again.
 * None for an empty mask.
 */
export function contourGroup({ series, mask }: ResultContext): ContentItem | undefined {
  const { size } = series.volume;
  const planeLength = size[0] * size[1];
  const section = (plane: number) => mask.subarray(plane * planeLength, (plane + 1) * planeLength);
  const counts = new Uint32Array(size[2]);
  for (const plane of nonEmptyPlanes(mask, planeLength)) counts[plane] = voxelsIn(section(plane));
  const largest = largestSection(counts);
  if (largest === undefined) return undefined;
  const planes = [largest, ...Array.from(counts.keys()).filter((plane) => plane !== largest)];
  const regions = planes.flatMap((plane) => {
    const slice = series.slices[plane];
    if (!slice || counts[plane] === 0) return [];
    return outerBorders(section(plane), size[0])
      .filter((border) => border.length <= MOST_POINTS)
      .map((border) => related('CONTAINS', polylineContent(CODES.imageRegion, border, slice)));
  });
  if (regions.length === 0) return undefined;
  // PixelMed's DicomSRValidator of 2022 takes a report with exactly one outline for one of planar groups (TID 1410), and
  // finds errors in the group of the segment: said twice it is still the same region.
  const outlines = regions.length === 1 ? [...regions, ...regions] : regions;
  return container(CODES.measurementGroup, '1411', [
    related('HAS OBS CONTEXT', textContent(CODES.trackingIdentifier, PANCREAS_TRACKING_ID)),
    related('HAS OBS CONTEXT', uidContent(CODES.trackingUniqueIdentifier, pancreasTrackingUid(series))),
    related('CONTAINS', codeContent(CODES.finding, CODES.pancreas)),
    ...outlines,
    related('HAS CONCEPT MOD', codeContent(CODES.findingSite, CODES.pancreas)),
  ]);
}

function voxelsIn(section: Uint8Array): number {
  let voxels = 0;
  for (let i = 0; i < section.length; i++) if (section[i] !== 0) voxels++;
  return voxels;
}
