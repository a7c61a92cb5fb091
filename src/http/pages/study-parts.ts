import { adviceFor } from '../../doctor/advice.ts';
import type { ListedDecision, StudyListing } from '../../store/records/find-studies.ts';
import type { RecordedDecision } from '../../store/records/run-log.ts';
import type { StudyRecord } from '../../store/records/study-log.ts';
import type { StudyTries } from '../api/api-parts.ts';
import { type Html, html } from '../html.ts';
import { moment } from './format.ts';
import { TEXTS } from './texts.ts';

const T = TEXTS.study;

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

/** About two lines of a list. */
const SHORT_REASON = 130;

/**
 * Why a study failed, waits or was skipped, and what to do about it; nothing where there is nothing to say.
 * @param of.tries of a study that failed, or waits for another try
 */
export function reasonOf(
  { reason, errorCode }: StudyRecord,
  { decisions = [], tries }: { decisions?: readonly ListedDecision[]; tries?: StudyTries | undefined } = {},
): Html | undefined {
  if (reason === undefined) return undefined;
  const words = plainWords(reason, decisions);
  const code = errorCode !== undefined && html` <code>${errorCode}</code>`;
  const advice = errorCode === undefined ? undefined : adviceFor(errorCode);
  const said =
    words.length <= SHORT_REASON
      ? html`${words}${code}`
      : html`<details><summary>${words.slice(0, SHORT_REASON).replace(/\s+\S*$/, '')} … <span class="more">${T.more}</span></summary>${words}</details>${code}`;
  const next = tries?.nextTryAt ? T.nextTry(moment(tries.nextTryAt)) : T.noNextTry;
  return html`<div class="reason">${said}${advice && html`<p><strong>${T.todo}</strong> ${advice.todo}</p>`}${
    tries && html`<p><small>${T.tried(tries.tries)}, ${next}</small></p>`
  }</div>`;
}

/** Longer than any number in a sentence. */
const UID = /(?<![\w.])[0-2](?:\.\d+){2,}(?![\w.]*\w)/g;
const LEAST_UID = 16;

/**
 * A sentence of the pipeline for people: a series by its description, anything else by the end of its
 * UID.
 */
function plainWords(reason: string, decisions: readonly ListedDecision[]): string {
  const names = new Map(decisions.map((one) => [one.seriesInstanceUid, one.description]));
  return reason.replaceAll(UID, (uid) => {
    const name = names.get(uid);
    if (name) return `"${name}"`;
    return uid.length < LEAST_UID ? uid : `…${uid.slice(-6)}`;
  });
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
  return html`<form method="post" action="${basePath}/api/studies/${studyInstanceUid}/process"><button class="quiet">${TEXTS.study.again}</button></form>`;
}
