import { CODES } from '../results/codes.ts';
import { flagCode, flagMeaning } from '../results/quality-flags.ts';
import { isFormat3 } from '../results/result-format.ts';
import { byDate } from './change.ts';
import {
  type ContentItem,
  codeContent,
  compositeContent,
  container,
  related,
  textContent,
} from './content-item.ts';
import type { Outlines } from './outlines.ts';
import { formOf, reportClassUid } from './report-form.ts';
import type { ReportInput } from './report-input.ts';
import { raisedFlags, reportTexts } from './report-texts.ts';
import { outlinesSentence, priorSentence } from './words.ts';

/** Qualitative Evaluations (TID 1500 row 12): the flags as codes and words, the rest in words alone. */
export function qualitativeEvaluations(input: ReportInput, outlines: Outlines | undefined): ContentItem {
  const { summary, comments } = reportTexts(input);
  const isPartial = outlines !== undefined && outlines.kept.length < outlines.total;
  return container(
    CODES.qualitativeEvaluations,
    undefined,
    [
      ...flagItems(input),
      textContent(CODES.summary, summary),
      ...previousItems(input),
      ...comments.map((text) => textContent(CODES.comment, text)),
      ...(isPartial && !isFormat3(input.context)
        ? [textContent(CODES.comment, outlinesSentence(outlines.kept.length, outlines.total))]
        : []),
    ].map((item) => related('CONTAINS', item)),
  );
}

/** Each flag as a code, where its format has that, and its words. */
function flagItems(input: ReportInput): ContentItem[] {
  return raisedFlags(input).flatMap((flag) => [
    ...(isFormat3(input.context) ? [] : [codeContent(CODES.qualityFinding, flagCode(flag))]),
    textContent(CODES.qualityFinding, flagMeaning(flag)),
  ]);
}

/** Earlier volumes, oldest first, each with the report that it is of, where the template is to hold that. */
function previousItems(input: ReportInput): ContentItem[] {
  const isLinked = formOf(input).templates === 'current';
  return byDate(input.priors).map((prior) => {
    const { sopInstanceUid } = prior.report;
    const report = compositeContent({ sopClassUid: reportClassUid(prior.report), sopInstanceUid });
    return textContent(
      CODES.previousFindings,
      priorSentence(prior),
      isLinked ? [related('INFERRED FROM', report)] : [],
    );
  });
}

/**
 * The evaluations of a measurement group as codes (TID 1411, TID 1501 row 11): whether the pancreas was
 * found, and the flags. `conservative`: none, as PixelMed's validator of 2022 knows no such row.
 */
export function evaluationItems(input: ReportInput): ContentItem[] {
  if (formOf(input).templates === 'conservative') return [];
  const presence = input.found ? CODES.present : CODES.notVisualized;
  const codes = new Set(raisedFlags(input).map(flagCode));
  return [
    codeContent(CODES.presenceOfProperty, presence),
    ...[...codes].map((code) => codeContent(CODES.qualityFinding, code)),
  ].map((item) => related('CONTAINS', item));
}
