import { APART_MEANINGS } from '../../results/apart-reason.ts';
import type { Change } from '../../results/change.ts';
import type { MeaningSettings } from '../../results/meaning.ts';
import type { EarlierAnswer } from '../../store/arrivals/earlier-searches.ts';
import type { PatientRecord } from '../../store/records/patient-record.ts';
import type { PatientTrends, Trend, TrendPoint } from '../../store/records/trends.ts';
import { type Html, html } from '../html.ts';
import { day, ml, patientName, signed } from './format.ts';
import { meaningOf } from './meaning.ts';
import { TEXTS } from './texts.ts';

export interface PatientPageInput {
  readonly patient: PatientRecord;
  readonly trends: PatientTrends;
  readonly basePath: string;
  /** Whether the literature's range is drawn, for a patient of that age. */
  readonly withReference: boolean;
  readonly meaning: MeaningSettings | undefined;
  /** What came of the search for earlier studies, where there was one. */
  readonly earlier: EarlierAnswer | undefined;
}

const T = TEXTS.patient;

export function patientBody(input: PatientPageInput): Html {
  const { patient, trends, basePath } = input;
  const header = [...patient.headers.values()].at(-1);
  const place = `${basePath}/api/patients/${patient.patientKey}/volumes`;
  const born = header?.birthDate && `${TEXTS.study.born} ${day(header.birthDate)}`;
  const sex = header?.sex && `${TEXTS.study.sex} ${header.sex}`;
  const line = [header?.patientName && header.patientId, born, sex].filter(Boolean).join(' · ');
  return html`<div class="title"><div><h1>${patientName(header, patient.patientKey)}</h1>
<p class="uid">${line}</p></div>
<div class="actions"><a class="button" href="${place}.csv">${T.downloadCsv}</a>
<a class="button" href="${place}.json">${T.downloadJson}</a></div></div>
${trends.people.length > 1 && html`<section class="trouble failed" role="alert"><p>${T.warning(trends.people.length)}</p></section>`}
${earlierSection(input.earlier)}
${[...new Set(trends.notCompared.map(({ reason }) => reason))].map((reason) => html`<p class="trouble">${APART_MEANINGS[reason]}</p>`)}
<section><h2>${T.heading}</h2>
${patient.volumes.length === 0 ? html`<p class="empty">${T.noVolumes}</p>` : history(input, place)}
</section>`;
}

/** Why studies are left out, each reason once. */
function earlierSection(earlier: EarlierAnswer | undefined): Html | undefined {
  if (!earlier || earlier.taken.length + earlier.leftOut.length === 0) return undefined;
  const { taken, leftOut } = earlier;
  const reasons = [...new Set(leftOut.map(({ reason }) => reason))];
  return html`<section class="earlier"><p>${T.earlier(taken.length, leftOut.length)}</p>${
    reasons.length > 0 && html`<ul class="flags">${reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`
  }</section>`;
}

function history(input: PatientPageInput, place: string): Html {
  const { patient, trends, basePath, withReference } = input;
  const { columns } = T;
  const points = trends.trends
    .flatMap((trend) => trend.points.map((point) => ({ trend, point })))
    .toSorted((a, b) => (sortKey(a.point) < sortKey(b.point) ? -1 : 1));
  const several = trends.people.length > 1;
  return html`<figure class="chart" data-volumes="${place}.json" data-studies="${basePath}/studies/"${withReference && html` data-reference="saisho2007"`}>
<noscript><p>${T.needsScript}</p></noscript>
<figcaption>${T.explain}${withReference && html` ${T.reference}`}${repeatability(trends.trends)}</figcaption>
</figure>
<h2>${T.studies} <small>${patient.volumes.length}</small></h2>
<table class="stack volumes">
<thead><tr>${several && html`<th scope="col">${T.title}</th>`}${Object.values(columns).map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${points.map(({ trend, point }) => row(trend, point, input, several))}</tbody></table>`;
}

const sortKey = ({ volume }: TrendPoint): string =>
  `${volume.studyDate || '9'} ${volume.studyTime} ${volume.report.sopInstanceUid}`;

function repeatability(trends: readonly Trend[]): Html {
  const stated = trends.filter(({ repeatabilityPercent }) => repeatabilityPercent !== undefined);
  if (stated.length === 0) return html` ${T.noBand}`;
  const lines = new Set(stated.map((trend) => T.band(trend.class, trend.repeatabilityPercent ?? 0)));
  return html` ${[...lines].map((line) => html`<span>${line}</span>`)}`;
}

function row(
  trend: Trend,
  point: TrendPoint,
  { basePath, meaning, patient }: PatientPageInput,
  several: boolean,
): Html {
  const { volume } = point;
  const header = patient.headers.get(volume.studyInstanceUid);
  const of = { ml: point.ml, images: volume.class };
  const { columns } = T;
  const { intervalMl, review } = volume;
  const remarks = [
    ...(point.apart ? [T.apart[point.apart]] : []),
    ...(volume.historyAlone ? [T.historyAlone] : []),
    ...(trend.replaced ? [T.replaced] : []),
    ...(point.corrected ? [TEXTS.study.corrected(ml(point.ml))] : []),
    ...volume.flags.map((flag) => flag.replaceAll('-', ' ')),
  ];
  const means = volume.seg || point.corrected ? meaningOf(meaning, header, of) : [];
  return html`<tr${point.apart && html` class="apart"`}>
${several && html`<td data-label="${T.title}">${T.person(trend.person + 1)}</td>`}
<td data-label="${columns.date}"><a class="nowrap" href="${basePath}/studies/${volume.studyInstanceUid}?result=${volume.report.sopInstanceUid}">${day(volume.studyDate)}</a></td>
<td data-label="${columns.images}"><span class="kind">${volume.class}</span>${volume.part && ` ${volume.part}`}</td>
<td data-label="${columns.volume}" class="number"><strong>${ml(point.ml)}</strong></td>
<td data-label="${columns.interval}" class="number">${intervalMl && `${ml(intervalMl.low)}–${ml(intervalMl.high)}`}</td>
<td data-label="${columns.previous}" class="number">${changeCell(point.sincePrevious)}</td>
<td data-label="${columns.first}" class="number">${changeCell(point.sinceFirst)}</td>
<td data-label="${columns.perYear}" class="number">${point.sinceFirst?.percentPerYear !== undefined && `${signed(point.sinceFirst.percentPerYear)} %`}</td>
<td data-label="${columns.review}">${review && html`<span class="state ${review.decision}">${TEXTS.review[review.decision]}</span>`}</td>
<td data-label="${columns.model}">${volume.model.name} ${volume.model.version}</td>
<td data-label="${columns.remarks}">${remarks.join(', ')}${means.map((sentence) => html` <small>${sentence}</small>`)}</td></tr>`;
}

function changeCell(change: Change | undefined): Html | undefined {
  if (!change) return undefined;
  const { ml: difference, percent, exceedsRepeatability: exceeds } = change;
  return html`${signed(difference)} ml${percent !== undefined && html` (${signed(percent)} %)`}${exceeds !== undefined && html` <small>${exceeds ? T.beyond : T.within}</small>`}`;
}
