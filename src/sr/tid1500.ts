import { CODES } from '../results/codes.ts';
import { algorithmIdentification } from './algorithm.ts';
import { type ContentItem, codeContent, container, related } from './content-item.ts';
import { contourGroup } from './contour-group.ts';
import { imageLibrary, procedureCode } from './image-library.ts';
import { observerContext } from './observer.ts';
import { qualitativeEvaluations } from './qualitative-evaluations.ts';
import type { ReportInput } from './report-input.ts';
import { volumetricGroup } from './volumetric-group.ts';

/**
 * The content of a measurement report (TID 1500). The order of items is the template's: validators read it
 * so. Derived Imaging Measurements (row 10) is not used: PixelMed's DicomSRValidator of 2022 reports an
 * internal error for every one (it lacks CID 7465 of TID 1420), so changes since earlier studies stand in the
 * group of the pancreas.
 */
export function measurementReport(input: ReportInput, found: NonNullable<ReportInput['found']>): ContentItem {
  return container(CODES.imagingMeasurementReport, '1500', [
    related('HAS CONCEPT MOD', codeContent(CODES.language, CODES.english)),
    ...observerContext(input.context),
    related('HAS CONCEPT MOD', codeContent(CODES.procedureReported, procedureCode(input.context))),
    related('CONTAINS', imageLibrary(input.context)),
    related('CONTAINS', imagingMeasurements(input, found)),
    related('CONTAINS', qualitativeEvaluations(input)),
  ]);
}

function imagingMeasurements(input: ReportInput, found: NonNullable<ReportInput['found']>): ContentItem {
  const contours = input.outlines ? contourGroup(input.context) : undefined;
  return container(CODES.imagingMeasurements, undefined, [
    ...(input.correction ? [] : algorithmIdentification(input.context)),
    related('CONTAINS', volumetricGroup(input, found)),
    ...(contours ? [related('CONTAINS', contours)] : []),
  ]);
}
