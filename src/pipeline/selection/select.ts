import type { Facts } from './facts.ts';
import {
  type FactTest,
  type Preference,
  SEGMENTED_CLASSES,
  type SegmentedClass,
  type SelectionRules,
  type SeriesClass,
  type When,
} from './rules.ts';

export interface CandidateSeries {
  readonly seriesInstanceUid: string;
  readonly description: string;
  readonly facts: Facts;
}

/** What was decided about one series, with the reason in plain words. */
export interface SeriesDecision {
  readonly seriesInstanceUid: string;
  readonly description: string;
  readonly class: SeriesClass;
  readonly chosen: boolean;
  readonly reason: string;
}

/**
 * Classes every series by the first rule that fits, and chooses the best series of each class by the preferences.
 * The order of the answer is that of the series given.
 */
export function selectSeries(series: readonly CandidateSeries[], rules: SelectionRules): SeriesDecision[] {
  const classed = series.map((candidate) => ({ candidate, ...classify(candidate.facts, rules) }));
  const best = new Map(
    SEGMENTED_CLASSES.map((name) => [
      name,
      bestOf(
        classed.filter((one) => one.class === name),
        rules.preferences[name],
      ),
    ]),
  );
  return classed.map(({ candidate, class: seriesClass, reason }) => {
    const winner = seriesClass === 'NONE' ? undefined : best.get(seriesClass);
    const chosen = winner?.candidate === candidate;
    const because =
      winner && !chosen
        ? `${reason}; not chosen: ${whyNot(winner.candidate, candidate, rules, seriesClass)}`
        : reason;
    const { seriesInstanceUid, description } = candidate;
    return { seriesInstanceUid, description, class: seriesClass, chosen, reason: because };
  });
}

function classify(facts: Facts, rules: SelectionRules): { class: SeriesClass; reason: string } {
  const rule = rules.rules.find(({ when }) => holds(when, facts));
  return rule
    ? { class: rule.class, reason: rule.reason }
    : { class: 'NONE', reason: 'no rule takes a series like this' };
}

function holds(when: When, facts: Facts): boolean {
  return Object.entries(when).every(([name, test]) => fulfils(facts[name as keyof Facts], test));
}

function fulfils(value: string | number | undefined, test: FactTest): boolean {
  if (test.known !== undefined && test.known !== (value !== undefined)) return false;
  if (value === undefined) return test.known === false;
  const asText = String(value);
  return (
    (test.is === undefined || asText === String(test.is)) &&
    (test.oneOf === undefined || test.oneOf.includes(asText)) &&
    (test.matches === undefined || new RegExp(test.matches, 'iu').test(asText)) &&
    (test.lacks === undefined || !new RegExp(test.lacks, 'iu').test(asText)) &&
    (test.atLeast === undefined || Number(value) >= test.atLeast) &&
    (test.atMost === undefined || Number(value) <= test.atMost)
  );
}

type Classed = { candidate: CandidateSeries; class: SeriesClass; reason: string };

function bestOf(classed: readonly Classed[], preferences: readonly Preference[]): Classed | undefined {
  return classed.toSorted((a, b) => {
    for (const preference of preferences) {
      const difference = rank(a.candidate.facts, preference) - rank(b.candidate.facts, preference);
      if (difference) return difference;
    }
    // Nothing distinguishes them: the UID decides, so that the same study always gives the same choice.
    return a.candidate.seriesInstanceUid < b.candidate.seriesInstanceUid ? -1 : 1;
  })[0];
}

/** Lower is better. A fact that is not known ranks last; the largest number stands in for it, as infinities cannot be subtracted. */
function rank(facts: Facts, preference: Preference): number {
  if ('when' in preference) return holds(preference.when, facts) ? 0 : 1;
  const value = Number(facts['lowest' in preference ? preference.lowest : preference.highest]);
  if (Number.isNaN(value)) return Number.MAX_VALUE;
  return 'lowest' in preference ? value : -value;
}

function whyNot(
  winner: CandidateSeries,
  loser: CandidateSeries,
  rules: SelectionRules,
  name: SegmentedClass | 'NONE',
): string {
  const preferences = name === 'NONE' ? [] : rules.preferences[name];
  const decisive = preferences.find(
    (preference) => rank(winner.facts, preference) < rank(loser.facts, preference),
  );
  const better = decisive?.reason ?? 'equal in every preference, the first by UID was taken';
  return `"${winner.description}" is preferred (${better})`;
}
