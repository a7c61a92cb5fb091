import type { ApartReason } from '../../results/apart-reason.ts';
import { compareNames, type NameKeys } from './person-name.ts';

/** What a study says of its patient beside the ID. Undefined: nothing, or nothing that is one. */
export interface Identity {
  /** The same for equal birth dates. */
  readonly birthDateKey: string | undefined;
  readonly sex: string | undefined;
  readonly nameKeys: NameKeys | undefined;
}

/** `same` has to be proven, and so has `different`. */
type Relation = 'same' | 'unproven' | 'different';

/** Sexes that name a person's; O (other) is also what is written where nobody knows. */
const PROVING_SEXES: ReadonlySet<string> = new Set(['M', 'F']);
const STATED_SEXES: ReadonlySet<string> = new Set([...PROVING_SEXES, 'O']);

const statedSex = ({ sex }: Identity): string | undefined => {
  const letter = sex?.trim().toUpperCase();
  return letter !== undefined && STATED_SEXES.has(letter) ? letter : undefined;
};

const differ = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && a !== b;

/**
 * Whether two studies under one PatientID are of one person. Another birth date or sex is another person.
 * The same birth date and sex prove it, unless the given names differ (twins); a family name may change.
 * Where either is missing, the same name proves it.
 */
export function relationOf(a: Identity, b: Identity): Relation {
  const [sexA, sexB] = [statedSex(a), statedSex(b)];
  if (differ(a.birthDateKey, b.birthDateKey) || differ(sexA, sexB)) return 'different';
  const names = compareNames(a.nameKeys, b.nameKeys);
  const isProven =
    a.birthDateKey !== undefined &&
    b.birthDateKey !== undefined &&
    sexA === sexB &&
    PROVING_SEXES.has(sexA ?? '');
  if (isProven) return names === 'differ' ? 'different' : 'same';
  return names === 'equal' ? 'same' : 'unproven';
}

/**
 * With more identities under one ID it is nobody's: only what is proven by birth date and sex belongs
 * together then, and nothing is looked at three by three.
 */
const MOST_IDENTITIES = 100;

export interface Persons {
  /** Which of them are of one person; the groups in the order of their first study. */
  readonly groups: readonly (readonly string[])[];
  isSame(a: string, b: string): boolean;
  /** Why a study is not compared with any of the others; undefined where it may be with all of them. */
  whyApart(study: string, others: Iterable<string>): ApartReason | undefined;
}

/**
 * Which studies under one PatientID are of one person: the one rule for reports, trends, pages, API and
 * messages. A study that might be of either of two who contradict each other belongs to nobody. The answer
 * does not depend on the order of the studies, but for the order of the groups.
 * @param identities of all studies that are known under the ID
 */
export function personsOf(identities: ReadonlyMap<string, Identity>): Persons {
  // Studies that say the same are one: an ID has few patients and may have many studies.
  const alike = Map.groupBy(identities.keys(), (study) => {
    const { birthDateKey = '', sex = '', nameKeys = null } = identities.get(study) ?? {};
    return JSON.stringify([birthDateKey, sex, nameKeys]);
  });
  const kinds = [...alike.values()].map((studies) => ({
    studies,
    identity: identities.get(studies[0] ?? '') ?? NOTHING_KNOWN,
  }));
  const isCrowd = kinds.length > MOST_IDENTITIES;
  const relations = isCrowd ? [] : kinds.map((a) => kinds.map((b) => relationOf(a.identity, b.identity)));
  const isAmbiguous = kinds.map(({ identity }, at) => {
    if (isCrowd) return identity.birthDateKey === undefined || !PROVING_SEXES.has(statedSex(identity) ?? '');
    const possible = [...kinds.keys()].filter((other) => relations[at]?.[other] !== 'different');
    return possible.some((one) => possible.some((other) => relations[one]?.[other] === 'different'));
  });
  // What says too little even to be taken for its like.
  const isApart = kinds.map(
    ({ identity }, at) => isAmbiguous[at] || relationOf(identity, identity) !== 'same',
  );

  const groupOf = new Map<string, number>();
  const groups: string[][] = [];
  const joined = kinds.map(() => -1);
  const join = (at: number, group: string[], number: number): void => {
    if (joined[at] !== -1) return;
    joined[at] = number;
    group.push(...(kinds[at]?.studies ?? []));
    for (const other of kinds.keys()) {
      if (!isCrowd && !isApart[other] && relations[at]?.[other] === 'same') join(other, group, number);
    }
  };
  for (const at of kinds.keys()) {
    if (joined[at] !== -1) continue;
    if (isApart[at]) groups.push(...(kinds[at]?.studies ?? []).map((study) => [study]));
    else {
      const group: string[] = [];
      join(at, group, groups.length);
      groups.push(group);
    }
  }
  const place = new Map([...identities.keys()].map((study, index) => [study, index]));
  const first = (group: readonly string[]) => Math.min(...group.map((study) => place.get(study) ?? 0));
  groups.sort((a, b) => first(a) - first(b));
  for (const [number, group] of groups.entries()) {
    group.sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
    for (const study of group) groupOf.set(study, number);
  }
  const ambiguous = new Set(kinds.flatMap(({ studies }, at) => (isAmbiguous[at] ? studies : [])));

  const isSame = (a: string, b: string): boolean =>
    a === b || (groupOf.has(a) && groupOf.get(a) === groupOf.get(b));
  return {
    groups,
    isSame,
    whyApart: (study, others) => {
      const left = [...others].filter((other) => !isSame(study, other));
      if (left.length === 0) return undefined;
      const own = identities.get(study) ?? NOTHING_KNOWN;
      const related = left.map((other) => relationOf(own, identities.get(other) ?? NOTHING_KNOWN));
      if (related.includes('different')) return 'contradiction';
      return [study, ...left].some((one) => ambiguous.has(one)) ? 'ambiguous' : 'unproven';
    },
  };
}

const NOTHING_KNOWN: Identity = { birthDateKey: undefined, sex: undefined, nameKeys: undefined };
