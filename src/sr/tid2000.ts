import { CODES, type Code } from '../results/codes.ts';
import { algorithmDescription } from './algorithm.ts';
import { type ContentItem, codeContent, container, related, textContent } from './content-item.ts';
import { procedureCode } from './image-library.ts';
import { observerContext } from './observer.ts';
import type { ReportInput } from './report-input.ts';
import { reportTexts } from './report-texts.ts';

/**
 * The content of a report where nothing was found, in words (TID 2000). As a measurement report without
 * measurements it would be valid too, but viewers that draw measurements on images (OHIF) show nothing at all
 * of such a one. They show every item of this one, so images are not listed in it: they are among its
 * evidence.
 */
export function narrativeReport(input: ReportInput): ContentItem {
  const { summary, flags, previous, comments } = reportTexts(input);
  return container(CODES.diagnosticImagingReport, '2000', [
    related('HAS CONCEPT MOD', codeContent(CODES.procedureReported, procedureCode(input.context))),
    related('HAS CONCEPT MOD', codeContent(CODES.language, CODES.english)),
    ...observerContext(input),
    ...section(CODES.findings, CODES.finding, flags),
    ...section(CODES.previousFindings, CODES.previousFinding, previous),
    ...section(CODES.summary, CODES.summary, [summary, ...comments]),
    ...section(
      CODES.currentProcedureDescriptions,
      CODES.procedureDescription,
      algorithmDescription(input.context),
    ),
  ]);
}

/** A heading (CID 7001) with its texts; none without texts. */
function section(heading: Code, element: Code, texts: readonly string[]): ContentItem[] {
  if (texts.length === 0) return [];
  const items = texts.map((text) => related('CONTAINS', textContent(element, text)));
  return [related('CONTAINS', container(heading, undefined, items))];
}
