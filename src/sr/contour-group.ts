import { nonEmptyPlanes } from '../dicom/pixels/bit-packing.ts';
import { CODES } from '../results/codes.ts';
import { PANCREAS_TRACKING_ID, pancreasTrackingUid } from '../results/pancreas-segment.ts';
import { type ResultContext } from '../results/result-context.ts';
import {
  type ContentItem,
  codeContent,
  container,
  polylineContent,
  related,
  textContent,
  uidContent,
} from './content-item.ts';
import { type Outlined, outerBorders } from './outer-border.ts';

/**
 * What the outlines of a report may take: all of those in thick slices, the larger ones in thin ones.
 * Fragments by the thousand would make reports that validators cannot hold in memory. An FL holds 8191 points
 * (PS3.5 7.1.2).
 */
const MOST = { outlines: 40, points: 4000 } as const;

/**
 * The pancreas by its outlines on the images (TID 1411 row 5), the largest first. The tracking UID is that of
 * the group with the measurements: viewers that draw measurements on images, and fail on a group without
 * coordinates, join the two and show the volume beside the first outline. The measurements are not said
 * again. None for an empty mask.
 */
export function contourGroup({ series, mask }: ResultContext): ContentItem | undefined {
  const { size } = series.volume;
  const planeLength = size[0] * size[1];
  const parts = nonEmptyPlanes(mask, planeLength).flatMap((plane) => {
    const slice = series.slices[plane];
    const section = mask.subarray(plane * planeLength, (plane + 1) * planeLength);
    return slice ? outerBorders(section, size[0]).map((part) => ({ ...part, slice })) : [];
  });
  const regions = largest(parts).map(({ border, slice }) =>
    related('CONTAINS', polylineContent(CODES.imageRegion, border, slice)),
  );
  if (regions.length === 0) return undefined;
  // PixelMed's DicomSRValidator of 2022 takes a report with exactly one outline for one of planar groups (TID
  // 1410), and finds errors in the group of the segment: said twice it is still the same region.
  const outlines = regions.length === 1 ? [...regions, ...regions] : regions;
  return container(CODES.measurementGroup, '1411', [
    related('HAS OBS CONTEXT', textContent(CODES.trackingIdentifier, PANCREAS_TRACKING_ID)),
    related('HAS OBS CONTEXT', uidContent(CODES.trackingUniqueIdentifier, pancreasTrackingUid(series))),
    related('CONTAINS', codeContent(CODES.finding, CODES.pancreas)),
    ...outlines,
    related('HAS CONCEPT MOD', codeContent(CODES.findingSite, CODES.pancreas)),
  ]);
}

/**
 * The largest parts that there is room for; one that takes more room than is left makes way for smaller ones.
 */
function largest<Part extends Outlined>(parts: readonly Part[]): Part[] {
  const kept: Part[] = [];
  let points = 0;
  for (const part of parts.toSorted((a, b) => b.pixels - a.pixels)) {
    if (kept.length === MOST.outlines) break;
    if (points + part.border.length > MOST.points) continue;
    points += part.border.length;
    kept.push(part);
  }
  return kept;
}
