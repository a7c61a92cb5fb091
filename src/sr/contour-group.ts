import { CODES } from '../results/codes.ts';
import { PANCREAS_TRACKING_ID, pancreasTrackingUid } from '../results/pancreas-segment.ts';
import type { ResultContext } from '../results/result-context.ts';
import { isFormat3 } from '../results/result-format.ts';
import {
  type ContentItem,
  codeContent,
  container,
  polylineContent,
  related,
  textContent,
  uidContent,
} from './content-item.ts';
import type { Outlines } from './outlines.ts';

/**
 * The pancreas by its outlines on the images (TID 1411 row 5), the largest first; row 3c says that they are
 * outlines. The tracking UID is that of the group with the measurements: viewers that draw measurements on
 * images, and fail on a group without coordinates, join the two and show the volume beside the first outline.
 * The measurements are not said again. None without outlines.
 */
export function contourGroup(context: ResultContext, { kept }: Outlines): ContentItem | undefined {
  const regions = kept.map(({ border, slice }) =>
    related('CONTAINS', polylineContent(CODES.imageRegion, border, slice)),
  );
  if (regions.length === 0) return undefined;
  // Format 3 wrote a lone outline twice, as PixelMed's validator of 2022 takes one for a planar group.
  const outlines = regions.length === 1 && isFormat3(context) ? [...regions, ...regions] : regions;
  return container(CODES.measurementGroup, '1411', [
    related('HAS OBS CONTEXT', textContent(CODES.trackingIdentifier, PANCREAS_TRACKING_ID)),
    related('HAS OBS CONTEXT', uidContent(CODES.trackingUniqueIdentifier, pancreasTrackingUid(context))),
    related('CONTAINS', codeContent(CODES.finding, CODES.pancreas)),
    ...(isFormat3(context) ? [] : [related('CONTAINS', codeContent(CODES.geometricPurpose, CODES.outline))]),
    ...outlines,
    related('HAS CONCEPT MOD', codeContent(CODES.findingSite, CODES.pancreas)),
  ]);
}
