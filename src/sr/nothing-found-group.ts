import { CODES } from '../results/codes.ts';
import { PANCREAS_TRACKING_ID, pancreasTrackingUid } from '../results/pancreas-segment.ts';
import { sourceInstances } from '../results/result-context.ts';
import {
  type ContentItem,
  codeContent,
  container,
  imageContent,
  related,
  textContent,
  uidContent,
} from './content-item.ts';
import { evaluationItems } from './qualitative-evaluations.ts';
import type { ReportInput } from './report-input.ts';

/**
 * That no pancreas was found, as a code (TID 1501): the finding at the pancreas is that it was not visualized.
 * With the image in the middle of those that were looked at: viewers have something to show.
 */
export function nothingFoundGroup(input: ReportInput): ContentItem {
  const images = sourceInstances(input.context.series);
  const middle = images[Math.floor(images.length / 2)];
  return container(CODES.measurementGroup, '1501', [
    related('HAS OBS CONTEXT', textContent(CODES.trackingIdentifier, PANCREAS_TRACKING_ID)),
    related(
      'HAS OBS CONTEXT',
      uidContent(CODES.trackingUniqueIdentifier, pancreasTrackingUid(input.context)),
    ),
    related('CONTAINS', codeContent(CODES.finding, CODES.notVisualized)),
    related('HAS CONCEPT MOD', codeContent(CODES.findingSite, CODES.pancreas)),
    ...(middle ? [related('CONTAINS', imageContent(CODES.sourceOfMeasurement, middle))] : []),
    ...evaluationItems(input),
  ]);
}
