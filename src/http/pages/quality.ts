import { failureWords } from '../../pipeline/failures.ts';
import type { Quality, QualityRow } from '../../store/records/quality.ts';
import { type Html, html } from '../html.ts';
import { ml } from './format.ts';
import { TEXTS } from './texts.ts';

const T = TEXTS.qualityPage;

/** @param month YYYY-MM */
export function qualityBody(quality: Quality, month: string, basePath: string): Html {
  const { columns } = T;
  return html`<h1>${T.title}</h1>
<form class="filter" method="get" action="${basePath}/quality">
<label>${T.month} <input type="month" name="month" value="${month}" required pattern="[0-9]{4}-[0-9]{2}"></label>
<button>${T.show}</button>
<a class="quiet" href="?month=${shifted(month, -1)}">${T.previous}</a>
<a class="quiet" href="?month=${shifted(month, 1)}">${T.next}</a>
</form>
<p>${T.explain}</p>
<section><h2>${T.results}</h2>
${
  quality.rows.length === 0
    ? html`<p class="empty">${T.noResults}</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="${T.results}"><table class="stack quality">
<thead><tr>${[
        columns.scanner,
        columns.images,
        columns.model,
        columns.results,
        columns.median,
        columns.quartiles,
        columns.nothingFound,
        columns.flags,
        columns.corrected,
        columns.accepted,
        columns.rejected,
        columns.withdrawn,
      ].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${quality.rows.map((row) => resultRow(row, month, basePath))}</tbody></table></div>`
}
</section>
<section><h2>${T.refusals}</h2>
${
  quality.refusals.length === 0
    ? html`<p class="empty">${T.noRefusals}</p>`
    : html`<table class="stack">
<thead><tr>${[columns.scanner, columns.state, columns.reason, columns.studies].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${quality.refusals.map(
        (row) => html`<tr><td data-label="${columns.scanner}">${row.scanner || T.unknownScanner}</td>
<td data-label="${columns.state}"><span class="state ${row.state}">${TEXTS.states[row.state]}</span></td>
<td data-label="${columns.reason}">${row.errorCode && html`${failureWords(row.errorCode)} <code>${row.errorCode}</code>`}</td>
<td data-label="${columns.studies}" class="number"><a href="${basePath}/?when=all&amp;state=${row.state}">${row.studies}</a></td></tr>`,
      )}</tbody></table>`
}
</section>`;
}

function resultRow(row: QualityRow, month: string, basePath: string): Html {
  const { columns } = T;
  /** A count leads to the volumes that it counts. */
  const counted = (label: string, count: number, filter: Readonly<Record<string, string>> = {}) =>
    number(label, count === 0 ? 0 : listLink(String(count), filter));
  const listLink = (words: string, filter: Readonly<Record<string, string>>) => {
    const query = { month, scanner: row.scanner, class: row.class, model: row.modelName, ...filter };
    const texts = Object.entries(query).filter(([, value]) => value !== '');
    return html`<a href="${`${basePath}/cohort?${new URLSearchParams(texts)}`}">${words}</a>`;
  };
  const number = (label: string, value: string | number | Html) =>
    html`<td data-label="${label}" class="number">${value}</td>`;
  const { medianMl, lowerQuartileMl: low, upperQuartileMl: high } = row;
  return html`<tr><td data-label="${columns.scanner}">${row.scanner || T.unknownScanner}</td>
<td data-label="${columns.images}"><span class="kind">${row.class}</span></td>
<td data-label="${columns.model}">${row.model}</td>
${counted(columns.results, row.results)}
${number(columns.median, medianMl === undefined ? '' : ml(medianMl))}
${number(columns.quartiles, low === undefined || high === undefined ? '' : `${ml(low)}–${ml(high)}`)}
${counted(columns.nothingFound, row.nothingFound, { flag: 'nothing-found' })}
<td class="flag-counts" data-label="${columns.flags}"><ul class="counts-list">${Object.entries(row.flags).map(
    ([flag, count]) => html`<li>${listLink(`${flag.replaceAll('-', ' ')}: ${count}`, { flag })}</li>`,
  )}</ul></td>
${counted(columns.corrected, row.corrected, { review: 'corrected' })}
${counted(columns.accepted, row.accepted, { review: 'accepted' })}
${counted(columns.rejected, row.rejected, { review: 'rejected' })}
${counted(columns.withdrawn, row.withdrawn, { review: 'withdrawn' })}</tr>`;
}

/** The month so many months later. */
function shifted(month: string, by: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return monthOf(new Date(year, number - 1 + by, 1));
}

export const monthOf = (date: Date): string =>
  `${String(date.getFullYear()).padStart(4, '0')}-${String(date.getMonth() + 1).padStart(2, '0')}`;
