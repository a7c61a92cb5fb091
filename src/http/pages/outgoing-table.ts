import type { Outgoing } from '../../store/exchange/outgoing.ts';
import { type Html, html } from '../html.ts';
import { ml, moment } from './format.ts';
import { TEXTS } from './texts.ts';

const T = TEXTS.outgoing;

/** What was sent where and when, or waits and why; nothing where results go to no other system. */
export function outgoingSection(
  messages: readonly Outgoing[],
  { studyInstanceUid, basePath, mayAct }: { studyInstanceUid: string; basePath: string; mayAct: boolean },
): Html | undefined {
  if (messages.length === 0) return undefined;
  const names = T.columns;
  const hasFailed = messages.some(({ state }) => state === 'failed');
  return html`<section><h2>${T.title}</h2>
<table class="stack">
<thead><tr>${Object.values(names).map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${messages.map(
    (one) => html`<tr>
<td class="word" data-label="${names.exit}">${one.exit}</td>
<td data-label="${names.change}">${T.changes[one.change]}, ${one.volume.class}${one.volume.part && ` ${one.volume.part}`}</td>
<td data-label="${names.volume}">${volumeOf(one)}</td>
<td data-label="${names.state}">${stateOf(one)}</td>
<td data-label="${names.at}">${moment(one.endedAt ?? one.putAt)}</td></tr>`,
  )}</tbody></table>
${
  mayAct &&
  hasFailed &&
  html`<form method="post" action="${basePath}/api/studies/${studyInstanceUid}/send-again"><button>${T.again}</button></form>`
}</section>`;
}

function volumeOf({ volume }: Outgoing): string {
  const { volumeMl, voxelCount } = volume.correction ?? volume;
  return voxelCount > 0 ? `${ml(volumeMl)} ml` : T.nothingFound;
}

function stateOf({ state, tries, reason, nextTryAt }: Outgoing): Html {
  if (state === 'sent') return html`${T.sent}`;
  const words = {
    waiting: T.waits(tries),
    failed: T.failed(tries),
    overtaken: T.overtaken,
  }[state];
  return html`${words}${reason && html`: ${reason}`}${
    state === 'waiting' && nextTryAt && html` (${T.next(moment(nextTryAt))})`
  }`;
}
