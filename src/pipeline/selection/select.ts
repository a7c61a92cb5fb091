import { holds } from './fact-tests.ts';
import { type Facts, numberOf } from './facts.ts';
import { type KnownPhase, phasesOf } from './phases.ts';
import { inOrder, nameOf, type Classed as Ranked, whyNot } from './ranking.ts';
import {
  type Certainty,
  PHASES,
  type Phase,
  SEGMENTED_CLASSES,
  type SegmentedClass,
  type SelectionRules,
  type SeriesClass,
} from './rules.ts';
import { isLowerStation } from './stations.ts';
import { withStudyFacts } from './study-facts.ts';

/** Which of the volumes of a series. */
export interface PartOfSeries {
  /** What tells it from the others, for people. */
  readonly name: string;
  /** `imageKey` of each of its images. */
  readonly images: ReadonlySet<string>;
  /** See `SeriesPart.formerName`. */
  readonly formerName?: string;
}

/** A series, or one part of a series that holds several volumes. */
export interface CandidateSeries {
  readonly seriesInstanceUid: string;
  readonly description: string;
  /** Left out where the series is one volume. */
  readonly part?: PartOfSeries;
  /** How many images it has, frames counted one by one; left out where the archive was not asked. */
  readonly images?: number;
  /** The most bytes that one of its instances can have; left out where a header does not tell. */
  readonly mostBytes?: number;
  /** Why its images are no volume, or only a piece of one, whatever they show. */
  readonly problem?: string;
  readonly facts: Facts;
}

/** What was decided about one series or part of a series, with the reason in plain words. */
export interface SeriesDecision {
  readonly seriesInstanceUid: string;
  /** With the name of the part, where there is one. */
  readonly description: string;
  readonly part?: PartOfSeries;
  /** How many images it has, where that is known. */
  readonly images?: number;
  /** See `CandidateSeries.mostBytes`. */
  readonly mostBytes?: number;
  readonly class: SeriesClass;
  /** `no` for class NONE. */
  readonly certainty: Certainty;
  /** Place among the series of its class, from 1: certain ones first, then by the preferences. */
  readonly rank?: number;
  /** The best of its class, and certain. */
  readonly chosen: boolean;
  /** Whether its pixels were looked at to decide. */
  readonly tried?: boolean;
  readonly reason: string;
  /** Of contrast enhancement, where the class has phases and it is known. */
  readonly phase?: Phase;
  /** In mm, where the images say how they lie. */
  readonly coverageMm?: number;
  /** Where an axial stack lies in the patient. */
  readonly place?: PlaceOfStack;
}

/** Whether both are of one series, and of the same part of it. */
export const isSameSeries = (
  one: Pick<SeriesDecision, 'seriesInstanceUid' | 'part'>,
  other: Pick<SeriesDecision, 'seriesInstanceUid' | 'part'>,
): boolean => one.seriesInstanceUid === other.seriesInstanceUid && one.part?.name === other.part?.name;

const NOT_CHOSEN = '; not chosen: ';

/** Why a series has its class, without why another one is better: its pixels may have decided otherwise. */
export const reasonOfClass = (reason: string): string => reason.split(NOT_CHOSEN, 1)[0] as string;

/** Ends on the patient's axis, in mm, in the coordinates of a Frame of Reference UID. */
interface PlaceOfStack {
  readonly frameOfReference: string;
  readonly bottom: number;
  readonly top: number;
}

interface Verdict {
  readonly class: SeriesClass;
  readonly certainty: Certainty;
  readonly reason: string;
}
interface Classed extends Ranked, Verdict {
  readonly candidate: CandidateSeries;
}

/** Classes whose series are told apart by their phase. */
const PHASED: ReadonlySet<SeriesClass> = new Set(['CT_ABDOMEN', 'T1W']);

/**
 * Classes every series of a study by the first rule that fits, and chooses the best one of each class by the
 * preferences. The order of the answer is that of the series given.
 */
export function selectSeries(series: readonly CandidateSeries[], rules: SelectionRules): SeriesDecision[] {
  const facts = withStudyFacts(
    series.map((candidate) => candidate.facts),
    rules.vocabulary,
  );
  const classed = withoutLowerStations(
    series.map((candidate, i) => {
      const own = facts[i] ?? {};
      return { candidate, facts: own, ...classify(candidate, own, rules) };
    }),
  );
  const ranked = SEGMENTED_CLASSES.flatMap((name) => {
    const ofClass = inOrder(withPhases(classed, name, rules), rules.preferences[name]);
    return ofClass.map((one, i) => ({ ...one, rank: i + 1, best: ofClass[0] }));
  });
  return withoutUselessParts(classed).map((one) =>
    decision(ranked.find(({ candidate }) => candidate === one.candidate) ?? one, rules),
  );
}

/** Lower stations are no input: the pancreas lies in the highest one. */
function withoutLowerStations(classed: readonly Classed[]): readonly Classed[] {
  return classed.map((one) => {
    const higher = classed.find((other) => other.class !== 'NONE' && isLowerStation(one.facts, other.facts));
    if (!higher || one.class === 'NONE') return one;
    const reason = `${one.reason}, but a lower station: "${nameOf(higher.candidate)}" reaches higher`;
    return { ...one, class: 'NONE', certainty: 'no', reason };
  });
}

/** Where no part of a series is of use, people see one series: its largest part stands for it. */
function withoutUselessParts(classed: readonly Classed[]): Classed[] {
  const bySeries = Map.groupBy(classed, ({ candidate }) => candidate.seriesInstanceUid);
  const useless = [...bySeries.values()].filter((parts) => parts.every((part) => part.class === 'NONE'));
  const dropped = new Set(
    useless.flatMap((parts) => parts.toSorted((a, b) => sizeOf(b) - sizeOf(a)).slice(1)),
  );
  return classed
    .filter((one) => !dropped.has(one))
    .map((one) => (one.class === 'NONE' && useless.some((parts) => parts.includes(one)) ? whole(one) : one));
}

const sizeOf = ({ facts }: Classed): number => numberOf(facts, 'images') ?? 0;

function whole(one: Classed): Classed {
  const { part: _part, ...candidate } = one.candidate;
  return { ...one, candidate };
}

function decision(
  one: Classed & { readonly rank?: number; readonly best?: Classed | undefined },
  rules: SelectionRules,
): SeriesDecision {
  const { seriesInstanceUid, part, images, mostBytes } = one.candidate;
  const { rank, best } = one;
  const coverageMm = numberOf(one.facts, 'coverage');
  const phase = PHASES.find((name) => name === one.facts.phase);
  return {
    seriesInstanceUid,
    description: nameOf(one.candidate),
    ...(part === undefined ? {} : { part }),
    ...(images === undefined ? {} : { images }),
    ...(mostBytes === undefined ? {} : { mostBytes }),
    class: one.class,
    certainty: one.certainty,
    ...(rank === undefined ? {} : { rank }),
    chosen: rank === 1 && one.certainty === 'yes',
    reason: best && rank !== 1 ? `${one.reason}${NOT_CHOSEN}${whyNot(best, one, rules)}` : one.reason,
    ...(phase === undefined ? {} : { phase }),
    ...(coverageMm === undefined ? {} : { coverageMm }),
    ...placeOf(one.facts),
  };
}

function placeOf(facts: Facts): Pick<SeriesDecision, 'place'> {
  const [bottom, top] = [numberOf(facts, 'bottom'), numberOf(facts, 'top')];
  if (bottom === undefined || top === undefined) return {};
  return { place: { frameOfReference: String(facts.frameOfReference ?? ''), bottom, top } };
}

function classify({ problem }: CandidateSeries, facts: Facts, { rules }: SelectionRules): Verdict {
  const holding = rules.filter(({ when }) => holds(when, facts));
  const deciding = holding.findIndex((rule) => rule.class !== undefined);
  const rule = holding[deciding];
  if (!rule?.class) return none('no rule takes a series like this');
  if (problem) return none(`${rule.reason}, but ${problem}`);
  if (rule.class === 'NONE') return none(rule.reason);
  const doubts = holding.slice(0, deciding).map(({ reason }) => reason);
  const certainty = doubts.length > 0 ? 'possible' : (rule.certainty ?? 'yes');
  return { class: rule.class, certainty, reason: [rule.reason, ...doubts].join('; ') };
}

const none = (reason: string): Verdict => ({ class: 'NONE', certainty: 'no', reason });

/** The series of one class, each with its phase as a fact and in its reason. */
function withPhases(
  classed: readonly Classed[],
  name: SegmentedClass,
  { phases }: SelectionRules,
): Classed[] {
  const ofClass = classed.filter((one) => one.class === name);
  if (!PHASED.has(name)) return ofClass;
  const times = name === 'T1W' ? phases : { ...phases, hepatobiliaryFrom: Number.POSITIVE_INFINITY };
  const known = phasesOf(
    ofClass.map(({ facts }) => facts),
    times,
  );
  return ofClass.map((one, i) => withPhase(one, known[i]));
}

function withPhase(one: Classed, known: KnownPhase | undefined): Classed {
  if (!known) return one;
  const reason = known.phase === 'unknown' ? one.reason : `${one.reason}; ${known.phase} phase, ${known.how}`;
  return { ...one, facts: { ...one.facts, phase: known.phase }, reason };
}
