import { type Html, html, type Part } from '../../http/html.ts';
import type { Description } from '../statistics/describe.ts';
import type { Interval } from '../statistics/interval.ts';
import type { PairedTests } from '../statistics/paired-tests.ts';
import type { GroupSummary } from '../summary/group-summary.ts';
import { COMPARED, METRICS } from '../summary/metrics.ts';

export const NOTHING = '–';

export const number = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined || !Number.isFinite(value)
    ? NOTHING
    : value.toFixed(digits).replace('-', '−');

const range = (interval: Interval | null | undefined, digits: number): string =>
  interval ? `${number(interval.low, digits)} to ${number(interval.high, digits)}` : NOTHING;

/** A chance below which only its smallness is told. */
const LEAST_P = 0.0001;

const chance = (p: number | null | undefined): string =>
  p !== null && p !== undefined && p < LEAST_P ? `< ${LEAST_P}` : number(p, 4);

/** `CT, centre A`; all cases where nothing is shared. */
export const groupTitle = ({ by }: GroupSummary): string =>
  Object.entries(by)
    .map(([column, value]) => value || `no ${column}`)
    .join(', ') || 'all cases';

export function table(head: readonly Part[], rows: readonly (readonly Part[])[]): Html {
  const line = (cells: readonly Part[]) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
  return html`<div class="scroll"><table><thead><tr>${head.map((cell) => html`<th>${cell}</th>`)}</tr></thead>
<tbody>${rows.map(line)}</tbody></table></div>`;
}

/** Mean and SD, and below them median and quartiles. */
export function metricsTable(groups: readonly GroupSummary[], metrics: typeof METRICS): Html {
  const cell = (
    { name, times, digits }: (typeof METRICS)[number],
    n: number,
    found: Description | undefined,
  ) => {
    if (!found || found.n === 0) return NOTHING;
    const shown = (value: number | null) => number(value === null ? null : value * times, digits);
    const few = found.n < n ? `, n ${found.n}` : '';
    return html`${shown(found.mean)} ± ${shown(found.sd)}
<small title="${name}: median, quartiles">${shown(found.median)} (${shown(found.firstQuartile)} – ${shown(found.thirdQuartile)})${few}</small>`;
  };
  return table(
    ['Cases', 'n', ...metrics.map(({ title, unit }) => (unit ? `${title}, ${unit}` : title))],
    groups.map((group) => [
      html`${groupTitle(group)}${group.failed > 0 && html`<small class="bad">${group.failed} failed</small>`}${articleDice(group)}`,
      group.n,
      ...metrics.map((metric) => cell(metric, group.n, group.metrics[metric.name])),
    ]),
  );
}

const articleDice = ({ article }: GroupSummary): Html | null =>
  article &&
  html`<small>article: Dice ${number(article.dicePercent.mean, 1)} ± ${number(article.dicePercent.sd, 1)} %</small>`;

export function volumesTable(groups: readonly GroupSummary[]): Html {
  return table(
    [
      'Cases',
      'n',
      'R² (Pearson, squared)',
      'R² (1 − SSres/SStot)',
      'Pearson',
      'Concordance',
      'Bias, ml',
      'Limits of agreement, ml',
      'Paired t, p',
    ],
    groups.map((group) => {
      const { correlation, blandAltman, paired } = group.volumes;
      const limits =
        blandAltman &&
        html`${number(blandAltman.lowerLimit, 1)} to ${number(blandAltman.upperLimit, 1)}
<small>${range(blandAltman.lowerLimitInterval, 1)}; ${range(blandAltman.upperLimitInterval, 1)}</small>`;
      return [
        html`${groupTitle(group)}${group.article && html`<small>article: R² ${number(group.article.rSquared, 2)}</small>`}`,
        correlation.n,
        number(correlation.rSquaredPearson, 3),
        number(correlation.rSquaredResidual, 3),
        number(correlation.pearson, 3),
        number(correlation.concordance, 3),
        blandAltman
          ? html`${number(blandAltman.bias, 1)}<small>${range(blandAltman.biasInterval, 1)}</small>`
          : NOTHING,
        limits ?? NOTHING,
        paired ? `${number(paired.t, 2)}, ${chance(paired.p)}` : NOTHING,
      ];
    }),
  );
}

export function ratersTable(groups: readonly GroupSummary[]): Html | undefined {
  const rows = groups.flatMap((group) =>
    (group.raters?.pairs ?? [])
      .filter(({ dice }) => dice.n > 0)
      .map(({ first, second, kappa, dice, icc }) => [
        html`${groupTitle(group)}${
          group.article?.kappaBetweenRaters &&
          html`<small>article: kappa ${group.article.kappaBetweenRaters}</small>`
        }`,
        `${first}, ${second}`,
        dice.n,
        `${number(kappa.mean, 3)} ± ${number(kappa.sd, 3)}`,
        `${number(dice.mean && dice.mean * 100, 1)} ± ${number(dice.sd && dice.sd * 100, 1)}`,
        icc ? html`${number(icc.icc, 3)}<small>${range(icc.interval, 3)}</small>` : NOTHING,
      ]),
  );
  if (rows.length === 0) return undefined;
  return table(['Cases', 'Raters', 'n', 'Cohen’s kappa', 'Dice, %', 'ICC(2,1) of volumes'], rows);
}

const COMPARED_WORDS: Readonly<Record<(typeof COMPARED)[number], string>> = {
  dice: 'Dice, %',
  hd95Mm: 'HD95, mm',
  meanSurfaceDistanceMm: 'Mean surface distance, mm',
  surfaceDice1Mm: 'Surface Dice at 1 mm, %',
  predictedMl: 'Volume, ml',
};

export function comparisonTable(groups: readonly GroupSummary[]): Html | undefined {
  const rows = groups.flatMap(({ comparison, ...group }) =>
    COMPARED.flatMap((name) => {
      const tests = comparison?.[name];
      return tests ? [comparisonRow(groupTitle({ ...group, comparison }), name, tests)] : [];
    }),
  );
  if (rows.length === 0) return undefined;
  return table(
    ['Cases', 'Measure', 'n', 'Mean difference', 't', 'p (t)', 'p (Wilcoxon)', 'Cohen’s dz', 'Cohen’s dav'],
    rows,
  );
}

function comparisonRow(group: string, name: (typeof COMPARED)[number], tests: PairedTests): Part[] {
  const times = name === 'dice' || name === 'surfaceDice1Mm' ? 100 : 1;
  const { low, high } = tests.interval;
  const { wilcoxon } = tests;
  return [
    group,
    COMPARED_WORDS[name],
    tests.n,
    html`${number(tests.meanDifference * times, 2)}<small>${range({ low: low * times, high: high * times }, 2)}</small>`,
    number(tests.t, 2),
    chance(tests.p),
    wilcoxon
      ? `${chance(wilcoxon.pExact ?? wilcoxon.pApproximate)}${wilcoxon.pExact === null ? ' ~' : ''}`
      : NOTHING,
    number(tests.cohenDz, 2),
    number(tests.cohenDav, 2),
  ];
}

export function repeatabilityTable(groups: readonly GroupSummary[]): Html | undefined {
  const rows = groups.flatMap((group) => {
    const found = group.repeatability;
    if (!found) return [];
    const percent = found.coefficientPercent;
    return [
      [
        groupTitle(group),
        found.subjects,
        found.measurements,
        number(found.withinSd, 2),
        html`${number(found.coefficient, 2)}<small>${range(found.coefficientInterval, 2)}</small>`,
        number(found.withinCvPercent, 2),
        percent === null
          ? NOTHING
          : html`${number(percent, 2)}<small>${range(found.coefficientPercentInterval, 2)}</small>`,
      ],
    ];
  });
  if (rows.length === 0) return undefined;
  return table(
    ['Cases', 'Subjects', 'Scans', 'wSD, ml', 'Coefficient, ml', 'wCV, %', 'Coefficient, %'],
    rows,
  );
}
