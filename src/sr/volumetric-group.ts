import { requiredText } from '../dicom/reading/dataset.ts';
import { CODES } from '../results/codes.ts';
import {
  PANCREAS_SEGMENT_NUMBER,
  PANCREAS_TRACKING_ID,
  pancreasTrackingUid,
} from '../results/pancreas-segment.ts';
import { sourceHeader, sourceName } from '../results/result-context.ts';
import { changesSince } from './change.ts';
import { changeItems } from './change-items.ts';
import {
  type ContentItem,
  codeContent,
  container,
  imageContent,
  numContent,
  pointContent,
  related,
  textContent,
  uidContent,
} from './content-item.ts';
import { modalityCode } from './image-library.ts';
import { centerOf, type Outlines } from './outlines.ts';
import { evaluationItems } from './qualitative-evaluations.ts';
import { formOf } from './report-form.ts';
import type { ReportInput, ReportMeasurement } from './report-input.ts';
import { volumeItems } from './volume-items.ts';

const HU_DECIMALS = 1;

/**
 * The measurement group of the pancreas (TID 1411 with TID 1419). The tracking UID stands before any other
 * UID: viewers take the first as the group's own.
 */
export function volumetricGroup(
  input: ReportInput,
  found: NonNullable<ReportInput['found']>,
  outlines: Outlines | undefined,
): ContentItem {
  const { context } = input;
  const { series } = context;
  const { templates, volumeUnit } = formOf(input);
  const header = sourceHeader(series);
  const seriesInstanceUid = requiredText(header, 'SeriesInstanceUID', sourceName(series));
  const { segmentation, measurement } = found;
  const place = templates === 'current' && outlines ? centerOf(outlines) : undefined;
  const center = place && pointContent(CODES.center, place.point, place.slice);
  return container(CODES.measurementGroup, '1411', [
    related('HAS OBS CONTEXT', textContent(CODES.trackingIdentifier, PANCREAS_TRACKING_ID)),
    related('HAS OBS CONTEXT', uidContent(CODES.trackingUniqueIdentifier, pancreasTrackingUid(context))),
    related('CONTAINS', codeContent(CODES.finding, CODES.pancreas)),
    related(
      'CONTAINS',
      imageContent(CODES.referencedSegment, {
        ...segmentation,
        segmentNumber: input.correction?.segmentNumber ?? PANCREAS_SEGMENT_NUMBER,
      }),
    ),
    related('CONTAINS', uidContent(CODES.sourceSeriesForSegmentation, seriesInstanceUid)),
    // For readers that fail on a group without coordinates; PixelMed's validator of 2022 knows no such row.
    ...(center ? [related('CONTAINS', center)] : []),
    related('HAS CONCEPT MOD', codeContent(CODES.findingSite, CODES.pancreas)),
    ...[
      ...volumeItems(input, measurement, center),
      ...(modalityCode(header) === CODES.ct ? attenuationItems(measurement) : []),
      ...(templates === 'current'
        ? []
        : changesSince(input).flatMap((change) => changeItems(change, volumeUnit))),
    ].map((item) => related('CONTAINS', item)),
    ...evaluationItems(input),
  ]);
}

/** Only CT numbers mean the same on every scanner; MR signal does not, and is left out. */
function attenuationItems({ meanIntensity, sdIntensity }: ReportMeasurement): ContentItem[] {
  return [
    { value: meanIntensity, derivation: CODES.mean },
    { value: sdIntensity, derivation: CODES.standardDeviation },
  ].map(({ value, derivation }) =>
    numContent(CODES.attenuationCoefficient, value, CODES.hounsfieldUnit, HU_DECIMALS, [
      related('HAS CONCEPT MOD', codeContent(CODES.derivation, derivation)),
    ]),
  );
}
