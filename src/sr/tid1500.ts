import { CODES } from '../dicom/results/codes.ts';
import { sourceHeader } from '../dicom/results/result-context.ts';
import { algorithmIdentification } from './algorithm.ts';
import { type ContentItem, codeContent, container, related } from './content-item.ts';
import { imageLibrary, modalityCode } from './image-library.ts';
import { observerContext } from './observer.ts';
import { qualitativeEvaluations } from './qualitative-evaluations.ts';
import type { ReportInput } from './report-input.ts';
import { volumetricGroup } from './volumetric-group.ts';

/**
 * The content of a measurement report (TID 1500). The order of items is the template's: validators read it so.
 * Derived Imaging Measurements (row 10) is not used: PixelMed's DicomSRValidator of 2022 reports an internal error for
 * every one (it lacks CID 7465 of TID 1420), so changes since earlier studies stand in the group of the pancreas.
 */
export function measurementReport(input: ReportInput): ContentItem {
  const isCt = modalityCode(sourceHeader(input.context.series)) === CODES.ct;
  const procedure = isCt ? CODES.ctProcedure : CODES.mrProcedure;
  return container(CODES.imagingMeasurementReport, '1500', [
    related('HAS CONCEPT MOD', codeContent(CODES.language, CODES.english)),
    ...observerContext(input.context),
    related('HAS CONCEPT MOD', codeContent(CODES.procedureReported, procedure)),
    related('CONTAINS', imageLibrary(input.context)),
    ...(input.found ? [related('CONTAINS', imagingMeasurements(input, input.found))] : []),
    related('CONTAINS', qualitativeEvaluations(input)),
  ]);
}

function imagingMeasurements(input: ReportInput, found: NonNullable<ReportInput['found']>): ContentItem {
  return container(CODES.imagingMeasurements, undefined, [
    ...(input.correction ? [] : algorithmIdentification(input.context, 'HAS CONCEPT MOD')),
    related('CONTAINS', volumetricGroup(input, found)),
  ]);
}
