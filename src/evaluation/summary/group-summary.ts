import type { Agreement } from '../metrics/agreement.ts';
import { type BlandAltman, blandAltman } from '../statistics/bland-altman.ts';
import { type Correlation, correlationOf } from '../statistics/correlation.ts';
import { type Description, describe } from '../statistics/describe.ts';
import { type Icc, icc21 } from '../statistics/icc.ts';
import { type PairedTests, pairedTests } from '../statistics/paired-tests.ts';
import { type Repeatability, repeatability } from '../statistics/repeatability.ts';
import { ARTICLE_FIGURES, type ArticleFigures } from './article.ts';
import { COMPARED, METRICS } from './metrics.ts';
import { type CaseRow, MODALITY_COLUMN, modalityOf } from './rows.ts';

/** What is said of the cases that share some values. */
export interface GroupSummary {
  /** The shared values by column; none: all cases. */
  readonly by: Readonly<Record<string, string>>;
  /** Cases with a label that were evaluated. */
  readonly n: number;
  readonly failed: number;
  readonly article: ArticleFigures | null;
  /** Of each metric; n is smaller than the group's where some have none, such as HD95 of an empty mask. */
  readonly metrics: Readonly<Record<string, Description>>;
  readonly volumes: {
    readonly correlation: Correlation;
    readonly blandAltman: BlandAltman | null;
    /** Predicted against labelled volumes, as the article tests them. */
    readonly paired: PairedTests | null;
  };
  readonly raters: RaterSummary | null;
  /** The predictions against those of --against, metric by metric: first less second. */
  readonly comparison: Readonly<Record<(typeof COMPARED)[number], PairedTests | null>> | null;
  readonly repeatability: Repeatability | null;
}

interface RaterSummary {
  readonly pairs: readonly {
    readonly first: string;
    readonly second: string;
    readonly kappa: Description;
    readonly dice: Description;
    /** Of the two raters' volumes. */
    readonly icc: Icc | null;
  }[];
  /** Over all raters at once, of the cases that all of them have. */
  readonly icc: Icc | null;
}

/**
 * All cases; those of each value of each column; and, where there are modalities, those of each modality and
 * each value of another column.
 */
export function groupSummaries(rows: readonly CaseRow[], raters: readonly string[]): GroupSummary[] {
  const columns = [...new Set(rows.flatMap(({ groups }) => [...groups.keys()]))];
  const others = columns.filter((column) => column !== MODALITY_COLUMN);
  const keys: readonly (readonly string[])[] = [
    [],
    ...columns.map((column) => [column]),
    ...(columns.length > others.length ? others.map((column) => [MODALITY_COLUMN, column]) : []),
  ];
  return keys.flatMap((key) => {
    const parts = Map.groupBy(rows, ({ groups }) =>
      JSON.stringify(key.map((column) => groups.get(column) ?? '')),
    );
    return [...parts.values()].map((part) => groupSummary(part, key, raters)).sort(byValues);
  });
}

const byValues = (a: GroupSummary, b: GroupSummary): number =>
  Object.values(a.by).join('\0') < Object.values(b.by).join('\0') ? -1 : 1;

function groupSummary(
  rows: readonly CaseRow[],
  columns: readonly string[],
  raters: readonly string[],
): GroupSummary {
  const agreements = agreementsOf(rows);
  const predicted = agreements.map(({ predictedMl }) => predictedMl);
  const labelled = agreements.map(({ labelMl }) => labelMl);
  const by = columns.map((column): [string, string] => [column, rows[0]?.groups.get(column) ?? '']);
  return {
    by: Object.fromEntries(by),
    n: agreements.length,
    failed: rows.filter(({ outcome }) => outcome.failure).length,
    article: articleFor(rows),
    metrics: Object.fromEntries(
      METRICS.map(({ name }) => [name, describe(known(agreements.map((one) => one[name])))]),
    ),
    volumes: {
      correlation: correlationOf({ predicted, labelled }),
      blandAltman: blandAltman({ predicted, labelled }),
      paired: pairedTests(predicted, labelled),
    },
    raters: raters.length > 1 ? raterSummary(rows, raters) : null,
    comparison: comparisonOf(rows),
    repeatability: repeatabilityOf(rows),
  };
}

export const agreementsOf = (rows: readonly CaseRow[]): Agreement[] =>
  rows.flatMap(({ outcome }) => outcome.measures?.agreement ?? []);

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

/** Only where all cases are of one modality. */
function articleFor(rows: readonly CaseRow[]): ArticleFigures | null {
  const found = new Set(rows.map(({ groups }) => modalityOf(groups.get(MODALITY_COLUMN) ?? '')));
  const [only] = found;
  return found.size === 1 && only ? ARTICLE_FIGURES[only] : null;
}

function raterSummary(rows: readonly CaseRow[], raters: readonly string[]): RaterSummary {
  const measures = rows.flatMap(({ outcome }) => outcome.measures ?? []);
  const rated = measures.map(({ ratedMl }) => ratedMl);
  const iccOf = (which: readonly number[]) =>
    icc21(
      rated.flatMap((volumes) => {
        const values = known(which.map((rater) => volumes[rater] ?? null));
        return values.length === which.length ? [values] : [];
      }),
    );
  const pairs = raters.flatMap((first, i) =>
    raters.slice(i + 1).map((second, offset) => {
      const j = i + 1 + offset;
      const found = measures.flatMap(({ raterPairs }) =>
        raterPairs.filter((pair) => pair.first === i && pair.second === j),
      );
      return {
        first,
        second,
        kappa: describe(known(found.map(({ kappa }) => kappa))),
        dice: describe(found.map(({ dice }) => dice)),
        icc: iccOf([i, j]),
      };
    }),
  );
  return { pairs, icc: iccOf(raters.map((_, i) => i)) };
}

function comparisonOf(rows: readonly CaseRow[]): GroupSummary['comparison'] {
  const both = rows.flatMap(({ outcome: { measures } }) =>
    measures?.agreement && measures.against ? [{ ours: measures.agreement, theirs: measures.against }] : [],
  );
  if (both.length === 0) return null;
  const compare = (name: (typeof COMPARED)[number]) => {
    const complete = both.filter(({ ours, theirs }) => ours[name] !== null && theirs[name] !== null);
    return pairedTests(
      known(complete.map(({ ours }) => ours[name])),
      known(complete.map(({ theirs }) => theirs[name])),
    );
  };
  return {
    dice: compare('dice'),
    hd95Mm: compare('hd95Mm'),
    meanSurfaceDistanceMm: compare('meanSurfaceDistanceMm'),
    surfaceDice1Mm: compare('surfaceDice1Mm'),
    predictedMl: compare('predictedMl'),
  };
}

function repeatabilityOf(rows: readonly CaseRow[]): Repeatability | null {
  const repeated = rows.filter(({ subject, outcome }) => subject !== undefined && outcome.measures);
  const subjects = Map.groupBy(repeated, ({ subject }) => subject);
  return repeatability(
    [...subjects.values()].map((scans) => scans.map(({ outcome }) => outcome.measures?.predictedMl ?? 0)),
  );
}
