import { CODES } from '../dicom/results/codes.ts';
import type { ResultContext } from '../dicom/results/result-context.ts';
import { algorithmParameters } from '../dicom/seg/segmentation-segment.ts';
import { type ContentItem, related, textContent } from './content-item.ts';

/**
 * Algorithm identification (TID 4019): model, version, and what else tells its results apart. It modifies measurements;
 * in Qualitative Evaluations PixelMed's DicomSRValidator takes every text for an evaluation, which must be contained.
 */
export function algorithmIdentification(
  context: ResultContext,
  relationship: 'HAS CONCEPT MOD' | 'CONTAINS',
): ContentItem[] {
  return [
    textContent(CODES.algorithmName, context.model.name),
    textContent(CODES.algorithmVersion, context.model.version),
    ...algorithmParameters(context).map((value) => textContent(CODES.algorithmParameters, value)),
  ].map((item) => related(relationship, item));
}
