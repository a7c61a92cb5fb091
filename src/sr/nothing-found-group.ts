import { CODES } from '../results/codes.ts';
import { PANCREAS_TRACKING_ID, pancreasTrackingUid } from '../results/pancreas-segment.ts';
import {
  type ContentItem,
  codeContent,
  container,
  type ImagePoint,
  polylineContent,
  related,
  textContent,
  uidContent,
} from './content-item.ts';
import { evaluationItems } from './qualitative-evaluations.ts';
import type { ReportInput } from './report-input.ts';

/**
 * That no pancreas was found, as a code (TID 1501): the finding at the pancreas is that it was not
 * visualized. Of the images that were looked at, the one in the middle is framed (row 10c): viewers that draw
 * measurements on images show nothing at all of a group without coordinates, or fail on it.
 */
export function nothingFoundGroup(input: ReportInput): ContentItem {
  const { slices, volume } = input.context.series;
  const [columns, rows] = volume.size;
  const middle = slices[Math.floor(slices.length / 2)];
  const frame: ImagePoint[] = [
    [0, 0],
    [columns, 0],
    [columns, rows],
    [0, rows],
    [0, 0],
  ];
  return container(CODES.measurementGroup, '1501', [
    related('HAS OBS CONTEXT', textContent(CODES.trackingIdentifier, PANCREAS_TRACKING_ID)),
    related(
      'HAS OBS CONTEXT',
      uidContent(CODES.trackingUniqueIdentifier, pancreasTrackingUid(input.context)),
    ),
    related('CONTAINS', codeContent(CODES.finding, CODES.notVisualized)),
    related('HAS CONCEPT MOD', codeContent(CODES.findingSite, CODES.pancreas)),
    ...(middle ? [related('CONTAINS', polylineContent(CODES.sourceOfMeasurement, frame, middle))] : []),
    ...evaluationItems(input),
  ]);
}
