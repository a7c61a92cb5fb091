import type { ListedDecision, StudyListing } from '../../store/records/find-studies.ts';
import type { RecordedDecision } from '../../store/records/run-log.ts';
import type { StudyRecord } from '../../store/records/study-log.ts';
import { type Html, html } from '../html.ts';
import { TEXTS } from './texts.ts';

/** Where a study stands, with its progress while it is worked on; the page's script keeps it up to date. */
export function stateOf({ study, progress }: Pick<StudyListing, 'study' | 'progress'>): Html {
  const { state } = study;
  return html`<span class="state ${state}">${TEXTS.states[state]}</span>${
    state === 'running' &&
    html`<span class="progress"><progress aria-label="${progress?.stage ?? TEXTS.states.running}" max="1"
${progress?.fraction === undefined ? '' : html`value="${progress.fraction.toFixed(3)}"`}></progress>
<span class="stage">${progress && TEXTS.progress(progress)}</span></span>`
  }`;
}

/** Why a study failed, waits or was skipped; nothing where there is nothing to say. */
export function reasonOf({ reason, errorCode }: StudyRecord): Html | undefined {
  if (reason === undefined) return undefined;
  return html`<p class="reason">${reason}${errorCode !== undefined && html` <code>${errorCode}</code>`}</p>`;
}

/** What was decided about each series, and why. */
export function decisionTable(decisions: readonly ListedDecision[]): Html {
  const names = TEXTS.study.seriesColumns;
  const columns = [
    names.series,
    names.class,
    names.certainty,
    names.phase,
    names.coverage,
    names.chosen,
    names.reason,
  ];
  return html`<table class="stack">
<thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${decisions.map(
    (one) => html`<tr${one.chosen && html` class="chosen"`}>
<td data-label="${names.series}">${one.description || html`<em>${TEXTS.study.unnamedSeries}</em>`}</td>
<td class="word" data-label="${names.class}">${one.class}</td>
<td class="word" data-label="${names.certainty}">${one.certainty ?? ''}</td>
<td class="word" data-label="${names.phase}">${one.phase ?? ''}</td>
<td class="word" data-label="${names.coverage}">${one.coverageMm ? `${one.coverageMm} mm` : ''}</td>
<td data-label="${names.chosen}">${one.chosen ? TEXTS.study.yes : TEXTS.study.no}</td>
<td data-label="${names.reason}">${one.reason}</td></tr>`,
  )}</tbody></table>`;
}

/** The same where there is little room. */
export function decisionList(decisions: readonly RecordedDecision[]): Html {
  return html`<ul class="flags">${decisions.map(
    (one) => html`<li><strong>${one.description || TEXTS.study.unnamedSeries}</strong>: ${one.reason}</li>`,
  )}</ul>`;
}

/** A form that works without script: the study goes to the queue, and the browser to the study's page. */
export function processForm(studyInstanceUid: string, basePath: string): Html {
  return html`<form method="post" action="${basePath}/api/studies/${studyInstanceUid}/process"><button>${TEXTS.study.again}</button></form>`;
}
