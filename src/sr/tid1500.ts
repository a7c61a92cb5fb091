import { CODES } from '../results/codes.ts';
import { procedureItems } from '../results/order.ts';
import { sourceHeader } from '../results/result-context.ts';
import { algorithmIdentification } from './algorithm.ts';
import { changesSince } from './change.ts';
import { changeItems } from './change-items.ts';
import { type ContentItem, codeContent, codeItemContent, container, related } from './content-item.ts';
import { contourGroup } from './contour-group.ts';
import { imageLibrary, procedureCode } from './image-library.ts';
import { nothingFoundGroup } from './nothing-found-group.ts';
import { observerContext } from './observer.ts';
import { type Outlines, outlinesOf } from './outlines.ts';
import { qualitativeEvaluations } from './qualitative-evaluations.ts';
import { formOf } from './report-form.ts';
import type { ReportInput } from './report-input.ts';
import { volumetricGroup } from './volumetric-group.ts';

/**
 * The content of a measurement report (TID 1500). The order of items is the template's: validators read it
 * so. Derived Imaging Measurements (row 10) are a choice of the site: PixelMed's DicomSRValidator of 2022
 * reports an internal error for every one (it lacks CID 7465 of TID 1420).
 */
export function measurementReport(input: ReportInput): ContentItem {
  const outlines = input.found && input.outlines ? outlinesOf(input.context) : undefined;
  return container(CODES.imagingMeasurementReport, '1500', [
    related('HAS CONCEPT MOD', codeContent(CODES.language, CODES.english)),
    ...observerContext(input),
    ...proceduresReported(input),
    related('CONTAINS', imageLibrary(input)),
    related('CONTAINS', imagingMeasurements(input, outlines)),
    ...derivedMeasurements(input),
    related('CONTAINS', qualitativeEvaluations(input, outlines)),
  ]);
}

/**
 * What was done by its modality, and what the images say of it. `conservative`: the first alone, as
 * PixelMed's validator of 2022 takes one procedure, of those that it lists (CID 100).
 */
function proceduresReported(input: ReportInput): ContentItem[] {
  const { context } = input;
  const isCurrent = formOf(input).templates === 'current';
  const stated = isCurrent ? procedureItems(sourceHeader(context.series)) : [];
  return [
    codeContent(CODES.procedureReported, procedureCode(context)),
    ...stated.map((item) => codeItemContent(CODES.procedureReported, item)),
  ].map((item) => related('HAS CONCEPT MOD', item));
}

function imagingMeasurements(input: ReportInput, outlines: Outlines | undefined): ContentItem {
  const { found, context } = input;
  const contours = outlines && contourGroup(context, outlines);
  return container(CODES.imagingMeasurements, undefined, [
    ...(input.correction ? [] : algorithmIdentification(context)),
    related('CONTAINS', found ? volumetricGroup(input, found, outlines) : nothingFoundGroup(input)),
    ...(contours ? [related('CONTAINS', contours)] : []),
  ]);
}

/** Changes since earlier studies (row 10, TID 1420); `conservative`: in the group of the pancreas. */
function derivedMeasurements(input: ReportInput): ContentItem[] {
  if (formOf(input).templates === 'conservative') return [];
  const { volumeUnit } = formOf(input);
  const items = changesSince(input).flatMap((change) => changeItems(change, volumeUnit));
  if (items.length === 0) return [];
  const children = items.map((item) => related('CONTAINS', item));
  return [related('CONTAINS', container(CODES.derivedMeasurements, undefined, children))];
}
