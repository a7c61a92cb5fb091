import { CODES } from '../dicom/results/codes.ts';
import { algorithmIdentification } from './algorithm.ts';
import { byDate, changesSince } from './change.ts';
import { type ContentItem, container, related, textContent } from './content-item.ts';
import { flagMeaning, QUALITY_FLAGS, type QualityFlag } from './quality-flags.ts';
import type { ReportInput } from './report-input.ts';
import {
  changeSentence,
  correctionSentence,
  priorSentence,
  repeatabilitySentence,
  volumeSentence,
} from './words.ts';

const RESEARCH_USE = 'For research use only. Not for diagnosis.';

/**
 * Qualitative Evaluations (TID 1500 row 12): the result in a sentence, quality flags, which part of
 * the series it is of, restrictions of use. Where nothing
 * was found there is no measurement that could name the algorithm, so it is named here.
 */
export function qualitativeEvaluations(input: ReportInput): ContentItem {
  const { contentQualification, model, part } = input.context;
  const flags = new Set<QualityFlag>(input.found ? input.flags : ['nothing-found', ...input.flags]);
  const comments = [
    ...(changesSince(input).length > 0 ? [repeatabilitySentence(input.repeatabilityPercent)] : []),
    ...(part === undefined ? [] : [`The series holds several volumes; this is of: ${part}.`]),
    ...(contentQualification === 'RESEARCH' ? [RESEARCH_USE] : []),
    ...(input.correction ? [correctionSentence(input.correction, model.title)] : []),
    ...(model.notice && !input.correction ? [`The model ${model.name}: ${model.notice}.`] : []),
  ];
  return container(CODES.qualitativeEvaluations, undefined, [
    ...(input.found ? [] : algorithmIdentification(input.context, 'CONTAINS')),
    ...QUALITY_FLAGS.filter((flag) => flags.has(flag)).map((flag) =>
      related('CONTAINS', textContent(CODES.qualityFinding, flagMeaning(flag))),
    ),
    related('CONTAINS', textContent(CODES.summary, summary(input))),
    ...byDate(input.priors).map((prior) =>
      related('CONTAINS', textContent(CODES.previousFindings, priorSentence(prior))),
    ),
    ...comments.map((text) => related('CONTAINS', textContent(CODES.comment, text))),
  ]);
}

/** The report in words, for viewers that show text alone. */
function summary(input: ReportInput): string {
  if (input.found) {
    const changes = changesSince(input).map((change) => changeSentence(change, input.repeatabilityPercent));
    return [volumeSentence(input.found.measurement), ...changes].join(' ');
  }
  return 'No pancreas was found; no volume was measured.';
}
