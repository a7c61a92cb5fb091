import { holds } from './fact-tests.ts';
import type { Facts } from './facts.ts';
import {
  CERTAINTIES,
  type Certainty,
  type Preference,
  type SelectionRules,
  type SeriesClass,
} from './rules.ts';

/** A series, or a part of one, that a class was found for. */
export interface Classed {
  readonly candidate: NamedCandidate;
  readonly facts: Facts;
  readonly class: SeriesClass;
  readonly certainty: Certainty;
}
interface NamedCandidate {
  readonly seriesInstanceUid: string;
  readonly description: string;
  readonly part?: { readonly name: string };
}

/** Certain ones first, then by the preferences. */
export function inOrder<T extends Classed>(classed: readonly T[], preferences: readonly Preference[]): T[] {
  return classed.toSorted((a, b) => {
    const certainty = CERTAINTIES.indexOf(a.certainty) - CERTAINTIES.indexOf(b.certainty);
    if (certainty) return certainty;
    for (const preference of preferences) {
      const difference = gradeOf(a.facts, preference) - gradeOf(b.facts, preference);
      if (difference) return difference;
    }
    // Nothing tells them apart, so UID and part decide: the same study always gives the same choice.
    return keyOf(a.candidate) < keyOf(b.candidate) ? -1 : 1;
  });
}

const keyOf = ({ seriesInstanceUid, part }: NamedCandidate): string =>
  `${seriesInstanceUid} ${part?.name ?? ''}`;

/**
 * Lower is better. A fact that is not known ranks last; the largest number stands in for it, as infinities
 * cannot be subtracted.
 */
function gradeOf(facts: Facts, preference: Preference): number {
  if ('when' in preference) return holds(preference.when, facts) ? 0 : 1;
  if ('inOrder' in preference) {
    const place = preference.values.indexOf(String(facts[preference.inOrder]));
    return place === -1 ? preference.values.length : place;
  }
  const value = Number(facts['lowest' in preference ? preference.lowest : preference.highest]);
  if (Number.isNaN(value)) return Number.MAX_VALUE;
  return 'lowest' in preference ? value : -value;
}

/** What the best series of a class has over another one. */
export function whyNot(winner: Classed, loser: Classed, rules: SelectionRules): string {
  const preferences = loser.class === 'NONE' ? [] : rules.preferences[loser.class];
  const isSurer = winner.certainty === 'yes' && loser.certainty === 'possible';
  if (isSurer) return `"${nameOf(winner.candidate)}" is preferred (its headers leave no doubt)`;
  const decisive = preferences.find(
    (preference) => gradeOf(winner.facts, preference) < gradeOf(loser.facts, preference),
  );
  const better = decisive?.reason ?? 'equal in every preference, the first by UID was taken';
  return `"${nameOf(winner.candidate)}" is preferred (${better})`;
}

/** With the name of the part, where there is one. */
export const nameOf = ({ description, part }: NamedCandidate): string =>
  part === undefined ? description : `${description} (${part.name})`.trimStart();
