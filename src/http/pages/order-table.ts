import type { PerformedOrder } from '../../store/orders/performed-orders.ts';
import { type Html, html } from '../html.ts';
import { moment } from './format.ts';
import { TEXTS } from './texts.ts';

/** The orders that the results of a study answer; nothing where nobody ordered it. */
export function orderSection(orders: readonly PerformedOrder[]): Html | undefined {
  if (orders.length === 0) return undefined;
  const T = TEXTS.orders;
  const names = T.columns;
  return html`<section><h2>${T.title}</h2>
<table class="stack">
<thead><tr>${Object.values(names).map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${orders.map(
    (one) => html`<tr>
<td data-label="${names.accession}">${one.accessionNumber}</td>
<td data-label="${names.procedure}">${one.requestedProcedure}</td>
<td data-label="${names.workitem}"><span class="uid">${one.workitemUid}</span></td>
<td data-label="${names.state}">${T.states[one.state]}${one.reason && html`: ${one.reason}`}</td>
<td data-label="${names.since}">${moment(one.endedAt ?? one.claimedAt)}</td></tr>`,
  )}</tbody></table></section>`;
}
