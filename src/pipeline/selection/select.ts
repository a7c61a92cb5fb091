import type { Fact, Facts } from './facts.ts';
import { type KnownPhase, phasesOf } from './phases.ts';
import {
  type FactTest,
  groupsOf,
  type Preference,
  SEGMENTED_CLASSES,
  type SegmentedClass,
  type SelectionRules,
  type SeriesClass,
  type Tests,
  type When,
} from './rules.ts';
import { numberOf, withStudyFacts } from './study-facts.ts';

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
  readonly chosen: boolean;
  readonly reason: string;
}

type Classed = { candidate: CandidateSeries; facts: Facts; class: SeriesClass; reason: string };

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
  const classed = series.map((candidate, i) => {
    const own = facts[i] ?? {};
    return { candidate, facts: own, ...classify(candidate, own, rules) };
  });
  const phased = SEGMENTED_CLASSES.flatMap((name) => withPhases(classed, name, rules));
  const best = SEGMENTED_CLASSES.map((name) =>
    bestOf(
      phased.filter((one) => one.class === name),
      rules.preferences[name],
    ),
  );
  return withoutUselessParts(classed).map((one) => {
    const known = phased.find(({ candidate }) => candidate === one.candidate) ?? one;
    return decision(
      known,
      best.find((winner) => winner?.class === one.class),
      rules,
    );
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

function decision(one: Classed, winner: Classed | undefined, rules: SelectionRules): SeriesDecision {
  const { seriesInstanceUid, part, images, mostBytes } = one.candidate;
  const chosen = winner?.candidate === one.candidate;
  return {
    seriesInstanceUid,
    description: nameOf(one.candidate),
    ...(part === undefined ? {} : { part }),
    ...(images === undefined ? {} : { images }),
    ...(mostBytes === undefined ? {} : { mostBytes }),
    class: one.class,
    chosen,
    reason: winner && !chosen ? `${one.reason}; not chosen: ${whyNot(winner, one, rules)}` : one.reason,
  };
}

const nameOf = ({ description, part }: CandidateSeries): string =>
  part === undefined ? description : `${description} (${part.name})`.trimStart();

function classify(
  { problem }: CandidateSeries,
  facts: Facts,
  rules: SelectionRules,
): { class: SeriesClass; reason: string } {
  const rule = rules.rules.find(({ when }) => holds(when, facts));
  if (!rule) return { class: 'NONE', reason: 'no rule takes a series like this' };
  if (problem) return { class: 'NONE', reason: `${rule.reason}, but ${problem}` };
  return { class: rule.class, reason: rule.reason };
}

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

function holds(when: When, facts: Facts): boolean {
  return groupsOf(when).some((tests) => allHold(tests, facts));
}

function allHold(tests: Tests, facts: Facts): boolean {
  return Object.entries(tests).every(([name, test]) => fulfils(facts[name as keyof Facts], test));
}

function fulfils(fact: Fact | undefined, test: FactTest): boolean {
  if (test.known !== undefined && test.known !== (fact !== undefined)) return false;
  if (fact === undefined) return hasOnly(test, 'known', 'noneOf');
  const values = Array.isArray(fact) ? fact.map(String) : [String(fact)];
  const joined = values.join('\\');
  return (
    (test.is === undefined || values.includes(String(test.is))) &&
    (test.oneOf === undefined || test.oneOf.some((value) => values.includes(value))) &&
    (test.noneOf === undefined || !test.noneOf.some((value) => values.includes(value))) &&
    (test.matches === undefined || new RegExp(test.matches, 'iu').test(joined)) &&
    (test.lacks === undefined || !new RegExp(test.lacks, 'iu').test(joined)) &&
    (test.atLeast === undefined || Number(fact) >= test.atLeast) &&
    (test.atMost === undefined || Number(fact) <= test.atMost)
  );
}

/** What a fact that is not known can fulfil. */
function hasOnly(test: FactTest, ...names: readonly (keyof FactTest)[]): boolean {
  return Object.keys(test).every((name) => names.some((one) => one === name));
}

function bestOf(classed: readonly Classed[], preferences: readonly Preference[]): Classed | undefined {
  return classed.toSorted((a, b) => {
    for (const preference of preferences) {
      const difference = rank(a.facts, preference) - rank(b.facts, preference);
      if (difference) return difference;
    }
    // Nothing tells them apart, so UID and part decide: the same study always gives the same choice.
    return keyOf(a.candidate) < keyOf(b.candidate) ? -1 : 1;
  })[0];
}

const keyOf = ({ seriesInstanceUid, part }: CandidateSeries): string =>
  `${seriesInstanceUid} ${part?.name ?? ''}`;

/**
 * Lower is better. A fact that is not known ranks last; the largest number stands in for it, as infinities
 * cannot be subtracted.
 */
function rank(facts: Facts, preference: Preference): number {
  if ('when' in preference) return holds(preference.when, facts) ? 0 : 1;
  if ('inOrder' in preference) {
    const place = preference.values.indexOf(String(facts[preference.inOrder]));
    return place === -1 ? preference.values.length : place;
  }
  const value = Number(facts['lowest' in preference ? preference.lowest : preference.highest]);
  if (Number.isNaN(value)) return Number.MAX_VALUE;
  return 'lowest' in preference ? value : -value;
}

function whyNot(winner: Classed, loser: Classed, rules: SelectionRules): string {
  const preferences = loser.class === 'NONE' ? [] : rules.preferences[loser.class];
  const decisive = preferences.find(
    (preference) => rank(winner.facts, preference) < rank(loser.facts, preference),
  );
  const better = decisive?.reason ?? 'equal in every preference, the first by UID was taken';
  return `"${nameOf(winner.candidate)}" is preferred (${better})`;
}
