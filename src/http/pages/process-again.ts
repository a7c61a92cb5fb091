import { type Html, html } from '../html.ts';
import { address, type DashboardQuery } from './dashboard-address.ts';
import { TEXTS } from './texts.ts';

const T = TEXTS.dashboard;

const OVER = ['done', 'skipped', 'failed'] as const;
/** Whether nothing is done on a study in that state any more. */
export const isOver = (state: string): state is (typeof OVER)[number] => OVER.some((one) => one === state);

/** The question before many studies are put in the queue again. */
export function processAgainBody({
  query,
  total,
  most,
  basePath,
}: {
  query: DashboardQuery;
  total: number;
  most: number;
  basePath: string;
}): Html {
  const { words: _words, offset: _offset, ...asked } = query;
  const back = address(basePath, query);
  const state = isOver(query.state) ? TEXTS.states[query.state] : '';
  const count = state === '' ? 0 : Math.min(total, most);
  return html`<h1>${T.processAllTitle}</h1>
<section><p>${T.processAllAsk(count, state)}</p>
${total > most && html`<p>${T.processAllMost(most, total)}</p>`}
<form class="filter" method="post" action="${basePath}/process-again">${Object.entries(asked).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}
${count > 0 && html`<button>${T.processAll(count)}</button>`}
<a class="quiet" href="${back}">${T.cancel}</a></form></section>`;
}
