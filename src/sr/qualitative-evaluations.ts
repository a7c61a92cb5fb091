import { CODES } from '../results/codes.ts';
import { type ContentItem, container, related, textContent } from './content-item.ts';
import type { ReportInput } from './report-input.ts';
import { reportTexts } from './report-texts.ts';

/** Qualitative Evaluations (TID 1500 row 12): what the report says in words. */
export function qualitativeEvaluations(input: ReportInput): ContentItem {
  const { summary, flags, previous, comments } = reportTexts(input);
  return container(
    CODES.qualitativeEvaluations,
    undefined,
    [
      ...flags.map((text) => textContent(CODES.qualityFinding, text)),
      textContent(CODES.summary, summary),
      ...previous.map((text) => textContent(CODES.previousFindings, text)),
      ...comments.map((text) => textContent(CODES.comment, text)),
    ].map((item) => related('CONTAINS', item)),
  );
}
