import type { FoundStudies, StudyListing } from '../../store/records/find-studies.ts';
import { STUDY_STATES, type StudyState } from '../../store/records/study-log.ts';
import type { HealthItem, NodeHealth, StudyTries } from '../api/api-parts.ts';
import { type Html, html } from '../html.ts';
import { address, type DashboardQuery } from './dashboard-address.ts';
import { clock, day, ml, patientName } from './format.ts';
import { healthFigures } from './health-figures.ts';
import { isOver } from './process-again.ts';
import { decisionList, processForm, reasonOf, stateOf } from './study-parts.ts';
import { TEXTS } from './texts.ts';

export interface DashboardInput {
  readonly found: FoundStudies;
  readonly query: DashboardQuery;
  readonly pageSize: number;
  readonly health: NodeHealth;
  readonly tries: ReadonlyMap<string, StudyTries>;
  readonly basePath: string;
  readonly mayAct: boolean;
}

const T = TEXTS.dashboard;

export function dashboardBody(input: DashboardInput): Html {
  const { query, basePath } = input;
  return html`<h1>${T.title}</h1>
<section class="health" aria-label="${TEXTS.health.title}" data-live="health">${input.health.items.map(healthCard)}</section>
<div class="node-figures" data-live="figures">${healthFigures(input.health)}</div>
<div class="bar">
<div class="tabs">${(['today', 'all'] as const).map(
    (when) =>
      html`<a href="${address(basePath, { ...query, when, offset: 0, after: '' })}"${query.when === when && html` aria-current="true"`}>${T[when]}</a>`,
  )}</div>
<div class="counts" data-live="counts" role="status">${counts(input)}${processAll(input)}</div>
</div>
${filterForm(query, basePath)}
<div data-live="studies">${studyList(input)}</div>`;
}

function healthCard({ part, state, text }: HealthItem): Html {
  return html`<div class="card ${state}"><span class="dot" role="img" aria-label="${TEXTS.health.states[state]}"></span>
<strong>${TEXTS.health.parts[part]}</strong> <span>${text}</span></div>`;
}

function processAll({ found, query, basePath, mayAct }: DashboardInput): Html | undefined {
  if (!mayAct || !isOver(query.state) || found.total === 0) return undefined;
  const link = address(basePath, { ...query, offset: 0 }, '/process-again');
  return html`<a class="button quiet" href="${link}">${T.processAll(found.total)}</a>`;
}

function counts({ found, query, basePath }: DashboardInput): Html[] {
  return STUDY_STATES.filter((state) => found.states[state] > 0).map(
    (state) =>
      html`<a class="state ${state}" href="${address(basePath, { ...query, state, offset: 0, after: '' })}">${TEXTS.states[state]} ${number(found, state)}</a>`,
  );
}

function filterForm(query: DashboardQuery, basePath: string): Html {
  const option = (value: string, name: string, chosen: string) =>
    html`<option value="${value}"${value === chosen && html` selected`}>${name}</option>`;
  return html`<form class="filter" role="search" aria-label="${T.filter}" method="post" action="${basePath}/">
<input type="hidden" name="when" value="${query.when}">
<label class="wide">${T.search} <input type="search" name="words" value="${query.words}" placeholder="${T.searchHint}"></label>
<label>${T.state} <select name="state">${option('', T.anyState, query.state)}${STUDY_STATES.map((state) =>
    option(state, TEXTS.states[state], query.state),
  )}</select></label>
<label>${T.images} <select name="class">${option('', T.anyImages, query.class)}${['CT', 'T1W', 'T2W'].map(
    (one) => option(one, one, query.class),
  )}</select></label>
<label>${T.from} <input type="date" name="from" value="${query.from}"></label>
<label>${T.to} <input type="date" name="to" value="${query.to}"></label>
<button>${T.apply}</button>
<a class="quiet" href="${basePath}/?when=${query.when}">${T.clear}</a>
</form>`;
}

function studyList(input: DashboardInput): Html {
  const { found, query, pageSize } = input;
  const { columns } = T;
  if (found.studies.length === 0) {
    const isFiltered = query.words || query.state || query.class || query.from || query.to;
    return html`<p class="empty">${isFiltered ? T.emptyFilter : query.when === 'today' ? T.emptyToday : T.empty}</p>`;
  }
  return html`<table class="stack studies">
<thead><tr><th scope="col">${columns.date}</th><th scope="col">${columns.patient}</th><th scope="col">${columns.study}</th><th scope="col">${columns.state}</th><th scope="col">${columns.result}</th>${input.mayAct && html`<th scope="col">${columns.action}</th>`}</tr></thead>
<tbody>${found.studies.map((listing) => studyRow(listing, input))}</tbody></table>
${paging(found, query, pageSize, input.basePath)}`;
}

function studyRow(listing: StudyListing, { basePath, mayAct, tries }: DashboardInput): Html {
  const { study, header, volumes, decisions } = listing;
  const uid = study.studyInstanceUid;
  const { columns } = T;
  const skipped = study.state === 'skipped' && decisions.length > 0;
  const patientKey = header?.patientKey ?? volumes[0]?.patientKey;
  return html`<tr data-study="${uid}">
<td data-label="${columns.date}"><span class="nowrap">${header ? day(header.studyDate) : TEXTS.unknown}</span> <small>${header && clock(header.studyTime)}</small></td>
<td data-label="${columns.patient}">${
    patientKey === undefined
      ? TEXTS.unknown
      : html`<a href="${basePath}/patients/${patientKey}">${patientName(header, patientKey)}</a>`
  }${header?.patientName && header.patientId && html` <small>${header.patientId}</small>`}</td>
<td data-label="${columns.study}"><a href="${basePath}/studies/${uid}">${header?.description || uid}</a>${header?.scanner && html` <small>${header.scanner}</small>`}</td>
<td data-label="${columns.state}"><span data-state>${stateOf(listing)}</span>${
    skipped
      ? html`<details><summary>${study.reason ?? TEXTS.study.skippedBecause}</summary>${decisionList(decisions)}</details>`
      : reasonOf(study, { decisions, tries: tries.get(uid) })
  }</td>
<td data-label="${columns.result}">${volumes.map(
    (volume) =>
      html`<div class="volume"><span class="kind">${volume.class}</span> ${
        volume.seg
          ? html`<strong>${ml(volume.volumeMl)} ml</strong>${volume.intervalMl && html` <small>${ml(volume.intervalMl.low)}–${ml(volume.intervalMl.high)}</small>`}`
          : html`<em>${TEXTS.study.nothingFound}</em>`
      }${volume.flags.length > 0 && html` <span class="flag" title="${volume.flags.join(', ')}"><span class="visually-hidden">${TEXTS.study.flags}: ${volume.flags.join(', ')}</span><span aria-hidden="true">⚑ ${volume.flags.length}</span></span>`}${
        volume.review &&
        html` <span class="state ${volume.review.decision}">${TEXTS.review[volume.review.decision]}</span>`
      }${volume.withdrawn && html` <span class="state failed">${TEXTS.study.withdrawn}</span>`}</div>`,
  )}</td>
${mayAct && html`<td data-label="${columns.action}">${isOver(study.state) && processForm(uid, basePath)}</td>`}
</tr>`;
}

/** A number of studies, with a sign where there may be more. */
function number({ total, states, atLeast }: FoundStudies, of: StudyState | 'total'): string {
  const counted = of === 'total' ? total : states[of];
  return atLeast.includes(of) ? `${counted}+` : String(counted);
}

function paging(found: FoundStudies, query: DashboardQuery, pageSize: number, basePath: string): Html {
  const { offset } = query;
  const link = (place: Pick<DashboardQuery, 'offset' | 'after'>, name: string, rel: string) =>
    html`<a rel="${rel}" href="${address(basePath, { ...query, ...place })}">${name}</a>`;
  const before = { offset: Math.max(0, offset - pageSize), after: '' };
  const next = found.next !== undefined && { offset: offset + pageSize, after: found.next };
  // What is counted no further than so far is no less than what is shown.
  const to = offset + found.studies.length;
  const total = to > found.total ? `${to}${next ? '+' : ''}` : number(found, 'total');
  return html`<nav class="paging" aria-label="${T.pages}">
${offset > 0 && link(before, T.previous, 'prev')}
<span>${T.count(offset + 1, to, total)}</span>
${next && link(next, T.next, 'next')}
</nav>`;
}
