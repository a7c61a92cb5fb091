import { APART_MEANINGS } from '../results/apart-reason.ts';
import { flagMeaning, QUALITY_FLAGS, type QualityFlag } from '../results/quality-flags.ts';
import { byDate, changesSince } from './change.ts';
import type { ReportInput } from './report-input.ts';
import {
  changeSentence,
  correctionSentence,
  priorSentence,
  repeatabilitySentence,
  volumeSentence,
} from './words.ts';

const RESEARCH_USE = 'For research use only. Not for diagnosis.';

/** What a report says in words. */
export interface ReportTexts {
  /** The result in a sentence, for viewers that show text alone. */
  readonly summary: string;
  /** The quality flags, each once, in one order. */
  readonly flags: readonly string[];
  /** Earlier volumes, oldest first. */
  readonly previous: readonly string[];
  /** What a coefficient means, which part of the series it is of, restrictions of use. */
  readonly comments: readonly string[];
}

/** The quality flags, each once, in one order. */
export function raisedFlags({ found, flags }: Pick<ReportInput, 'found' | 'flags'>): QualityFlag[] {
  const raised = new Set<QualityFlag>(found ? flags : ['nothing-found', ...flags]);
  return QUALITY_FLAGS.filter((flag) => raised.has(flag));
}

export function reportTexts(input: ReportInput): ReportTexts {
  const { contentQualification, model, part } = input.context;
  return {
    summary: summary(input),
    flags: raisedFlags(input).map(flagMeaning),
    previous: byDate(input.priors).map(priorSentence),
    comments: [
      ...(changesSince(input).length > 0 ? [repeatabilitySentence(input.repeatabilityPercent)] : []),
      ...(input.apart ? [APART_MEANINGS[input.apart]] : []),
      ...(input.remarks ?? []),
      ...(part === undefined ? [] : [`The series holds several volumes; this is of: ${part}.`]),
      ...(contentQualification === 'RESEARCH' ? [RESEARCH_USE] : []),
      ...(input.correction ? [correctionSentence(input.correction, model.title)] : []),
      ...(model.notice && !input.correction ? [`The model ${model.name}: ${model.notice}.`] : []),
    ],
  };
}

function summary(input: ReportInput): string {
  if (!input.found) return 'No pancreas was found; no volume was measured.';
  const changes = changesSince(input).map((change) => changeSentence(change, input.repeatabilityPercent));
  return [volumeSentence(input.found.measurement), ...changes].join(' ');
}
