import { CODES } from '../results/codes.ts';
import { PANCREAS_TRACKING_ID, pancreasTrackingUid } from '../results/pancreas-segment.ts';
import {
  type ContentItem,
  codeContent,
  container,
  type ImagePoint,
  numContent,
  polylineContent,
  related,
  textContent,
  uidContent,
} from './content-item.ts';
import { evaluationItems } from './qualitative-evaluations.ts';
import type { ReportInput } from './report-input.ts';

/** Of an image's columns, how many a bracket takes: one in so many. */
const BRACKET_PART = 32;

/**
 * That no pancreas was found, as a code (TID 1501): the finding at the pancreas is that it was not
 * visualized, in so many images. Viewers that draw measurements on images show numbers at coordinates, and of
 * a group without either nothing at all: one image of those that were looked at, that in the middle, gets a
 * bracket at its edge (row 10c), and the number is inferred from it (TID 320), as some look for it there.
 */
export function nothingFoundGroup(input: ReportInput): ContentItem {
  const { slices, volume } = input.context.series;
  const middle = slices[Math.floor(slices.length / 2)];
  const bracket = middle && polylineContent(CODES.sourceOfMeasurement, bracketOf(volume.size), middle);
  return container(CODES.measurementGroup, '1501', [
    related('HAS OBS CONTEXT', textContent(CODES.trackingIdentifier, PANCREAS_TRACKING_ID)),
    related(
      'HAS OBS CONTEXT',
      uidContent(CODES.trackingUniqueIdentifier, pancreasTrackingUid(input.context)),
    ),
    related('CONTAINS', codeContent(CODES.finding, CODES.notVisualized)),
    related('HAS CONCEPT MOD', codeContent(CODES.findingSite, CODES.pancreas)),
    related(
      'CONTAINS',
      numContent(CODES.notVisualized, slices.length, CODES.images, 0, [
        ...(bracket ? [related('INFERRED FROM', bracket)] : []),
        related(
          'HAS CONCEPT MOD',
          textContent(CODES.equivalentMeaning, 'Images in which no pancreas was found'),
        ),
      ]),
    ),
    ...(bracket ? [related('CONTAINS', bracket)] : []),
    ...evaluationItems(input),
  ]);
}

/**
 * At the left edge, open to the image. Viewers write what is measured to the right of the coordinates: beside
 * a frame it would lie outside of the image.
 */
function bracketOf([columns, rows]: readonly [number, number, number]): ImagePoint[] {
  const end = columns / BRACKET_PART;
  return [
    [end, 0],
    [0, 0],
    [0, rows],
    [end, rows],
  ];
}
