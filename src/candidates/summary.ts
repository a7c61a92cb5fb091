import { type BlandAltman, blandAltman } from '../evaluation/statistics/bland-altman.ts';
import { describe } from '../evaluation/statistics/describe.ts';
import type { ComparedCandidate, OpenCandidates } from '../store/records/candidates.ts';

/** Images that both models have segmented. Differences are the candidate's less those of the model in use. */
export interface CandidateCase {
  readonly studyInstanceUid: string;
  /** DA, or empty. */
  readonly studyDate: string;
  readonly seriesInstanceUid: string;
  readonly part: string;
  /** SOP Instance UID of the report of the result in use. */
  readonly report: string;
  readonly inUseMl: number;
  readonly candidateMl: number;
  readonly differenceMl: number;
  readonly dice: number;
  readonly inUseFlags: readonly string[];
  readonly candidateFlags: readonly string[];
  /** What a reader said of the result in use. */
  readonly decision: 'accepted' | 'rejected' | null;
  readonly corrected: {
    readonly volumeMl: number;
    readonly candidateDice: number;
    readonly inUseDice: number;
  } | null;
}

interface DiceSummary {
  readonly n: number;
  readonly mean: number | null;
  readonly median: number | null;
  readonly lowest: number | null;
}

/** Of the results on which readers were of one mind. */
interface VerdictSummary {
  readonly decision: 'accepted' | 'rejected' | 'none';
  readonly dice: DiceSummary;
  /** Median of the differences between the volumes, without their sign. */
  readonly medianDifferenceMl: number | null;
}

interface CorrectionSummary {
  readonly n: number;
  /** Mean Dice coefficient with the reader's masks. */
  readonly candidateDice: number | null;
  readonly inUseDice: number | null;
  /** How often the candidate was nearer to the reader, and how often the model in use. */
  readonly candidateNearer: number;
  readonly inUseNearer: number;
}

interface FlagSummary {
  readonly flag: string;
  readonly both: number;
  readonly candidateOnly: number;
  readonly inUseOnly: number;
}

type ModelOfGroup = ComparedCandidate['inUse']['model'];

/** One candidate beside one model in use. */
export interface CandidateGroup {
  readonly class: string;
  readonly candidate: ModelOfGroup;
  readonly inUse: ModelOfGroup;
  readonly studies: number;
  readonly images: number;
  readonly dice: DiceSummary;
  /** Of the images in which both found something; null for fewer than two. */
  readonly volumes: BlandAltman | null;
  /** In how many images one of the two alone found nothing, and in how many both. */
  readonly nothingFound: {
    readonly both: number;
    readonly candidateOnly: number;
    readonly inUseOnly: number;
  };
  readonly flags: readonly FlagSummary[];
  readonly verdicts: readonly VerdictSummary[];
  readonly corrections: CorrectionSummary;
  /** Worst first, all of them. */
  readonly cases: readonly CandidateCase[];
}

export interface CandidateReport {
  readonly groups: readonly CandidateGroup[];
  /** What is yet to be done, and what failed. */
  readonly open: readonly OpenCandidates[];
}

/** Everything that is said of candidates beside the models in use, the newest pair of each class first. */
export function candidateReport(
  compared: readonly ComparedCandidate[],
  open: readonly OpenCandidates[],
): CandidateReport {
  const pairs = Map.groupBy(compared, ({ class: ofClass, result, inUse }) =>
    JSON.stringify([ofClass, result.model, inUse.model]),
  );
  return { groups: [...pairs.values()].toReversed().flatMap(groupOf).toSorted(byClass), open };
}

const byClass = (a: CandidateGroup, b: CandidateGroup): number => a.class.localeCompare(b.class);

function groupOf(compared: readonly ComparedCandidate[]): CandidateGroup[] {
  const [first] = compared;
  if (!first) return [];
  const cases = compared.map(caseOf).toSorted(worstFirst);
  const found = cases.filter(({ inUseMl, candidateMl }) => inUseMl > 0 && candidateMl > 0);
  return [
    {
      class: first.class,
      candidate: first.result.model,
      inUse: first.inUse.model,
      studies: new Set(cases.map(({ studyInstanceUid }) => studyInstanceUid)).size,
      images: cases.length,
      dice: diceOf(cases),
      volumes: blandAltman({
        predicted: found.map(({ candidateMl }) => candidateMl),
        labelled: found.map(({ inUseMl }) => inUseMl),
      }),
      nothingFound: {
        both: cases.filter((one) => one.inUseMl === 0 && one.candidateMl === 0).length,
        candidateOnly: cases.filter((one) => one.inUseMl > 0 && one.candidateMl === 0).length,
        inUseOnly: cases.filter((one) => one.inUseMl === 0 && one.candidateMl > 0).length,
      },
      flags: flagsOf(cases),
      verdicts: (['accepted', 'rejected', 'none'] as const).map((decision) => verdictOf(cases, decision)),
      corrections: correctionsOf(cases),
      cases,
    },
  ];
}

function caseOf({ inUse, result, decision, ...one }: ComparedCandidate): CandidateCase {
  const { studyInstanceUid, studyDate, seriesInstanceUid, part, report } = one;
  return {
    studyInstanceUid,
    studyDate,
    seriesInstanceUid,
    part,
    report,
    inUseMl: inUse.volumeMl,
    candidateMl: result.volumeMl,
    differenceMl: result.volumeMl - inUse.volumeMl,
    dice: result.dice,
    inUseFlags: inUse.flags,
    candidateFlags: result.flags,
    decision: decision ?? null,
    corrected: result.corrected,
  };
}

/** By how little they share; where that is the same, by how far apart the volumes are. */
const worstFirst = (a: CandidateCase, b: CandidateCase): number =>
  a.dice - b.dice || Math.abs(b.differenceMl) - Math.abs(a.differenceMl) || (a.report < b.report ? -1 : 1);

function diceOf(cases: readonly CandidateCase[]): DiceSummary {
  const { n, mean, median, least: lowest } = describe(cases.map(({ dice }) => dice));
  return { n, mean, median, lowest };
}

function verdictOf(all: readonly CandidateCase[], decision: VerdictSummary['decision']): VerdictSummary {
  const cases = all.filter((one) => (one.decision ?? 'none') === decision);
  const differences = cases.map(({ differenceMl }) => Math.abs(differenceMl));
  return { decision, dice: diceOf(cases), medianDifferenceMl: describe(differences).median };
}

function correctionsOf(cases: readonly CandidateCase[]): CorrectionSummary {
  const corrected = cases.flatMap((one) => one.corrected ?? []);
  const mean = (values: readonly number[]) => describe(values).mean;
  return {
    n: corrected.length,
    candidateDice: mean(corrected.map(({ candidateDice }) => candidateDice)),
    inUseDice: mean(corrected.map(({ inUseDice }) => inUseDice)),
    candidateNearer: corrected.filter((one) => one.candidateDice > one.inUseDice).length,
    inUseNearer: corrected.filter((one) => one.candidateDice < one.inUseDice).length,
  };
}

function flagsOf(cases: readonly CandidateCase[]): FlagSummary[] {
  const names = new Set(
    cases.flatMap(({ inUseFlags, candidateFlags }) => [...inUseFlags, ...candidateFlags]),
  );
  const count = (flag: string, inUse: boolean, candidate: boolean) =>
    cases.filter(
      (one) => one.inUseFlags.includes(flag) === inUse && one.candidateFlags.includes(flag) === candidate,
    ).length;
  return [...names].toSorted().map((flag) => ({
    flag,
    both: count(flag, true, true),
    candidateOnly: count(flag, false, true),
    inUseOnly: count(flag, true, false),
  }));
}
