import { holds, unmet } from './fact-tests.ts';
import type { Facts } from './facts.ts';
import type { SelectionRules } from './rules.ts';
import { type CandidateSeries, isSameSeries, type SeriesDecision, selectSeries } from './select.ts';
import { withStudyFacts } from './study-facts.ts';

/** What the rules make of a series, or of one part of it. */
export interface Explanation {
  readonly series: string;
  readonly facts: Facts;
  readonly rules: readonly RuleVerdict[];
  readonly decision: SeriesDecision | undefined;
}

interface RuleVerdict {
  readonly reason: string;
  /** What the rule gives: a class, or `possible` where it leaves a doubt. */
  readonly gives: string;
  readonly holds: boolean;
  /** The first that holds and gives a class. */
  readonly decides: boolean;
  /** Of each of its groups of tests, the facts that do not fulfil theirs. */
  readonly unmet: readonly (readonly string[])[];
}

/** The facts of a series of a study, and what each rule says of them; part by part. */
export function explainSeries(
  seriesInstanceUid: string,
  candidates: readonly CandidateSeries[],
  rules: SelectionRules,
): Explanation[] {
  const facts = withStudyFacts(
    candidates.map((one) => one.facts),
    rules.vocabulary,
  );
  const decisions = selectSeries(candidates, rules);
  return candidates.flatMap((candidate, i) => {
    const own = facts[i];
    if (candidate.seriesInstanceUid !== seriesInstanceUid || !own) return [];
    const decision = decisions.find((one) => isSameSeries(one, candidate));
    const part = candidate.part ? ` (${candidate.part.name})` : '';
    return [
      {
        series: `${seriesInstanceUid} "${candidate.description}"${part}`,
        facts: own,
        rules: verdicts(own, rules),
        decision,
      },
    ];
  });
}

function verdicts(facts: Facts, { rules }: SelectionRules): RuleVerdict[] {
  const deciding = rules.find((rule) => rule.class !== undefined && holds(rule.when, facts));
  return rules.map((rule) => ({
    reason: rule.reason,
    gives: [rule.class ?? [], rule.certainty ?? []].flat().join(', '),
    holds: holds(rule.when, facts),
    decides: rule === deciding,
    unmet: unmet(rule.when, facts),
  }));
}
