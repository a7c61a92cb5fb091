import type { SegmentedClass, SelectionRules } from './rules.ts';
import { type CandidateSeries, type SeriesDecision, selectSeries } from './select.ts';
import { SelectionError } from './selection-error.ts';

/** A series that somebody named: it is taken whatever the rules say. */
export interface ForcedSeries {
  readonly seriesInstanceUid: string;
  /** Needed where neither the rules nor the modality tell what it is. */
  readonly class?: SegmentedClass | undefined;
}

/** A series that will be segmented. */
export type ChosenSeries = SeriesDecision & { readonly class: SegmentedClass; readonly chosen: true };
export const isChosen = (decision: SeriesDecision): decision is ChosenSeries =>
  decision.chosen && decision.class !== 'NONE';

/**
 * Decides about every series: by the rules, or for the one that was named; and only where a model is there
 * for it.
 * @throws SelectionError SERIES_NAMED
 */
export function chooseSeries(
  candidates: readonly CandidateSeries[],
  rules: SelectionRules,
  models: { has(seriesClass: SegmentedClass): boolean },
  forced?: ForcedSeries,
): SeriesDecision[] {
  const decisions = forced ? force(candidates, rules, forced) : selectSeries(candidates, rules);
  return decisions.map((decision) =>
    isChosen(decision) && !models.has(decision.class)
      ? {
          ...decision,
          chosen: false,
          reason: `${decision.reason}; no model is configured for ${decision.class}`,
        }
      : decision,
  );
}

/** Of a named series that holds several volumes, the rules choose the part. */
function force(
  candidates: readonly CandidateSeries[],
  rules: SelectionRules,
  forced: ForcedSeries,
): SeriesDecision[] {
  const { seriesInstanceUid } = forced;
  const isNamed = (one: { readonly seriesInstanceUid: string }) =>
    one.seriesInstanceUid === seriesInstanceUid;
  const named = candidates.filter(isNamed);
  const [candidate] = named;
  const alone = selectSeries(named, rules);
  const decision =
    alone.find((one) => one.rank === 1 && one.class === forced.class) ??
    alone.find((one) => one.rank === 1) ??
    alone[0];
  if (!candidate || !decision)
    throw new SelectionError('SERIES_NAMED', `the study has no series ${seriesInstanceUid}`);
  const problems = named.flatMap(({ problem }) => problem ?? []);
  // Whoever names a series wants all of it, not what would be left of it.
  if (problems.length === named.length)
    throw new SelectionError('SERIES_NAMED', `series ${seriesInstanceUid}: ${problems[0]}`);
  const seriesClass = forced.class ?? classOf(decision, candidate);
  return selectSeries(candidates, rules).map((one) =>
    isNamed(one) && one.description === decision.description
      ? { ...one, class: seriesClass, chosen: true, reason: 'named by the operator' }
      : { ...one, chosen: false, reason: `${one.reason}; another was named by the operator` },
  );
}

function classOf(decision: SeriesDecision, { facts }: CandidateSeries): SegmentedClass {
  if (decision.class !== 'NONE') return decision.class;
  if (facts.modality === 'CT') return 'CT_ABDOMEN';
  throw new SelectionError(
    'SERIES_NAMED',
    `series ${decision.seriesInstanceUid}: the rules do not tell whether it is T1W or T2W ` +
      `(${decision.reason}); say it with --class`,
  );
}
