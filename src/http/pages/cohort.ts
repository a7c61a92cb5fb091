import type { CohortChoices, CohortRow, CohortSummary } from '../../store/records/cohort.ts';
import { type CohortColumn, cohortValue, columnsFor, type PatientNaming } from '../api/cohort-columns.ts';
import {
  COHORT_FLAGS,
  COHORT_PHASES,
  COHORT_REVIEWS,
  COHORT_SEXES,
  type CohortQuery,
} from '../api/cohort-query.ts';
import { type Html, html } from '../html.ts';
import { COHORT_TEXTS as T } from './cohort-texts.ts';
import { clock, day, ml, moment, shortHash } from './format.ts';
import { TEXTS } from './texts.ts';

export interface CohortPageInput {
  readonly query: CohortQuery;
  readonly rows: readonly CohortRow[];
  /** Whether more rows come after these. */
  readonly hasMore: boolean;
  /** Whether rows came before these. */
  readonly isLater: boolean;
  readonly summary: CohortSummary;
  readonly choices: CohortChoices;
  readonly columns: readonly CohortColumn[];
  readonly naming: PatientNaming;
  readonly basePath: string;
}

/** What is shown where nobody has chosen. */
export const USUAL_COLUMNS: readonly CohortColumn[] = [
  'studyDate',
  'patientId',
  'patient',
  'person',
  'ageYears',
  'sex',
  'scanner',
  'class',
  'phase',
  'sliceThicknessMm',
  'volumeMl',
  'lowMl',
  'highMl',
  'meanHu',
  'flags',
  'correctedMl',
  'withdrawn',
  'review',
  'model',
  'mode',
  'historyOnly',
  'counted',
];

export function cohortBody(input: CohortPageInput): Html {
  const { query, rows, summary, basePath, columns } = input;
  const place = `${basePath}/api/volumes`;
  const shown = parametersOf(query, columns);
  const all = parametersOf(query, []);
  return html`<h1>${T.title}</h1>
<p>${T.explain}</p>
${filterForm(input)}
<p class="figures">${figures(summary)}</p>
${
  summary.counted > 0 &&
  html`<section class="cohort-charts" data-points="${`${place}/points?${all}`}" data-studies="${basePath}/studies/">
<noscript><p>${T.needsScript}</p></noscript></section>`
}
<section><div class="bar"><h2>${T.table}</h2><div class="actions"><a class="button" href="${place}.csv?${shown}">${T.downloadCsv}</a>
<a class="button" href="${place}.json?${shown}">${T.downloadJson}</a>
<a class="button" href="${place}.csv?${all}">${T.allColumns}</a></div></div>
<p class="hint">${T.downloadHint}</p>
${rows.length === 0 ? html`<p class="empty">${T.empty}</p>` : table(input)}
</section>`;
}

function figures({
  volumes,
  patientKeys,
  counted,
  medianMl,
  lowerQuartileMl,
  upperQuartileMl,
}: CohortSummary): Html {
  const whole = (count: number) => count.toLocaleString('en-US');
  const line =
    medianMl !== null && lowerQuartileMl !== null && upperQuartileMl !== null
      ? `; ${T.median(ml(medianMl), ml(lowerQuartileMl), ml(upperQuartileMl), whole(counted))}`
      : '';
  return html`<strong>${T.figures(whole(volumes), whole(patientKeys))}</strong>${line}`;
}

function filterForm({ query, choices, columns, naming, basePath }: CohortPageInput): Html {
  const option = (value: string, name: string, chosen: string | undefined) =>
    html`<option value="${value}"${value === (chosen ?? '') && html` selected`}>${name}</option>`;
  const select = (name: keyof CohortQuery, label: string, options: readonly (readonly [string, string])[]) =>
    html`<label>${label} <select name="${name}">${option('', T.any, String(query[name] ?? ''))}${options.map(
      ([value, words]) => option(value, words, String(query[name] ?? '')),
    )}</select></label>`;
  const same = (values: readonly string[]) => values.map((one) => [one, one] as const);
  const age = (name: 'ageFrom' | 'ageTo', label: string) =>
    html`<label>${label} <input type="number" name="${name}" min="0" max="150" step="1" value="${query[name] ?? ''}"></label>`;
  return html`<form class="filter cohort-filter" role="search" aria-label="${T.filter}" method="get" action="${basePath}/cohort">
<label>${T.from} <input type="date" name="from" value="${dateField(query.from)}"></label>
<label>${T.to} <input type="date" name="to" value="${dateField(query.to)}"></label>
<label class="wide">${T.scanner} <input name="scanner" list="scanners" maxlength="200" value="${query.scanner ?? ''}" placeholder="${T.scannerHint}"></label>
<datalist id="scanners">${choices.scanners.map((one) => html`<option value="${one}"></option>`)}</datalist>
${select('model', T.model, same(choices.models))}
${select('class', T.images, same(['CT', 'T1W', 'T2W']))}
${select('phase', T.phase, same(COHORT_PHASES))}
${select(
  'flag',
  T.flag,
  COHORT_FLAGS.map((flag) => [flag, flag === 'none' ? T.noFlag : flag.replaceAll('-', ' ')]),
)}
${select(
  'review',
  T.review,
  COHORT_REVIEWS.map((review) => [review, T.reviews[review]]),
)}
${select(
  'sex',
  T.sex,
  COHORT_SEXES.map((sex) => [sex, T.sexes[sex]]),
)}
${age('ageFrom', T.ageFrom)}
${age('ageTo', T.ageTo)}
<label>${T.month} <input type="month" name="month" pattern="[0-9]{4}-[0-9]{2}" value="${query.month ?? ''}"></label>
<button>${T.apply}</button>
<a class="quiet" href="${basePath}/cohort">${T.clear}</a>
<details class="columns"><summary>${T.columnsTitle}</summary><div>${columnsFor(naming).map(
    (name) =>
      html`<label><input type="checkbox" name="columns" value="${name}"${columns.includes(name) && html` checked`}> ${T.columns[name]}</label>`,
  )}</div></details>
</form>`;
}

/** DA as a date field has it. */
const dateField = (date: string | undefined): string =>
  (date ?? '').replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');

function table(input: CohortPageInput): Html {
  const { rows, columns, query, hasMore, isLater, basePath } = input;
  const parameters = parametersOf(query, columns);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${T.table}"><table class="stack cohort">
<thead><tr>${columns.map((name) => html`<th scope="col">${T.columns[name]}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr${row.withdrawn !== null && html` class="gone"`}>${columns.map(
        (name, place) =>
          html`<td data-label="${T.columns[name]}"${classOf(name)}>${cell(row, name, basePath)}${place === 0 && gone(row)}</td>`,
      )}</tr>`,
  )}</tbody></table></div>
<nav class="paging" aria-label="${T.pages}">
${isLater && html`<a rel="prev" href="${basePath}/cohort?${parameters}">${T.first}</a>`}
${hasMore && html`<a rel="next" href="${`${basePath}/cohort?${parameters}&before=${rows.at(-1)?.id}`}">${T.next}</a>`}
</nav>`;
}

/** Stands in the first column, whichever that is. */
const gone = ({ withdrawn }: CohortRow): Html | false =>
  withdrawn !== null && html` <span class="state failed">${TEXTS.study.withdrawn}</span>`;

const NUMBERS: ReadonlySet<CohortColumn> = new Set([
  'person',
  'ageYears',
  'weightKg',
  'heightM',
  'sliceThicknessMm',
  'sliceSpacingMm',
  'volumeMl',
  'lowMl',
  'highMl',
  'voxels',
  'meanHu',
  'sdHu',
  'correctedMl',
]);
/** Of several words. */
const WIDE: ReadonlySet<CohortColumn> = new Set([
  'scanner',
  'flags',
  'reviewReason',
  'study',
  'series',
  'report',
]);
const classOf = (name: CohortColumn): Html | undefined => {
  if (NUMBERS.has(name)) return html` class="number"`;
  return WIDE.has(name) ? html` class="wide"` : undefined;
};
/** To a tenth; other numbers are shown as they are. */
const TENTHS: ReadonlySet<CohortColumn> = new Set([
  'volumeMl',
  'lowMl',
  'highMl',
  'meanHu',
  'sdHu',
  'correctedMl',
]);

type Cell = Html | string | number | undefined;

/** Columns that are shown otherwise than files have them. */
const CELLS: Partial<Record<CohortColumn, (row: CohortRow, basePath: string) => Cell>> = {
  studyDate: (row, basePath) =>
    html`<a class="nowrap" href="${`${basePath}/studies/${row.studyInstanceUid}?result=${row.report}`}">${day(row.studyDate)}</a>`,
  studyTime: ({ studyTime }) => clock(studyTime),
  patient: ({ patientKey }, basePath) =>
    html`<a href="${basePath}/patients/${patientKey}"><code>${patientKey.slice(0, 8)}</code></a>`,
  volumeMl: ({ isFound, volumeMl }) =>
    isFound ? html`<strong>${ml(volumeMl)}</strong>` : html`<em>${TEXTS.outgoing.nothingFound}</em>`,
  flags: ({ flags }) => flags.map((flag) => flag.replaceAll('-', ' ')).join(', '),
  review: ({ review }) =>
    review ? html`<span class="state ${review}">${TEXTS.review[review]}</span>` : undefined,
  modelSha256: ({ modelSha256 }) => html`<code title="${modelSha256}">${shortHash(modelSha256)}</code>`,
  measuredAt: ({ contentDateTime }) => moment(contentDateTime),
  historyOnly: ({ historyAlone }) => (historyAlone ? TEXTS.study.yes : undefined),
  counted: ({ counted }) => (counted ? T.counted : T.notCounted),
};

function cell(row: CohortRow, name: CohortColumn, basePath: string): Cell {
  const own = CELLS[name];
  if (own) return own(row, basePath);
  const value = cohortValue(row, name);
  if (typeof value === 'number') return TENTHS.has(name) ? value.toFixed(1) : Number(value.toFixed(2));
  return typeof value === 'string' ? value : undefined;
}

/** The query as it stands in addresses; what is empty is left out. */
function parametersOf(query: CohortQuery, columns: readonly CohortColumn[]): string {
  const { columns: _columns, ...filter } = query;
  const texts = Object.entries(filter).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return String(
    new URLSearchParams([...texts, ...columns.map((name): [string, string] => ['columns', name])]),
  );
}
