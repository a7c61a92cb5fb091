import type { Fact, Facts } from './facts.ts';
import { type FactTest, groupsOf, type Tests, type When } from './rules.ts';

/** Whether facts fulfil all tests of one of the groups. */
export function holds(when: When, facts: Facts): boolean {
  return groupsOf(when).some((tests) => allHold(tests, facts));
}

/** Of each group of tests, the facts that do not fulfil theirs; with an empty group it holds. */
export function unmet(when: When, facts: Facts): string[][] {
  return groupsOf(when).map((tests) =>
    Object.entries(tests)
      .filter(([name, test]) => !fulfils(facts[name as keyof Facts], test))
      .map(([name]) => name),
  );
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
