import { APART_MEANINGS, type ApartReason } from '../../results/apart-reason.ts';
import type { MeaningSettings } from '../../results/meaning.ts';
import type { Outgoing } from '../../store/exchange/outgoing.ts';
import type { PerformedOrder } from '../../store/orders/performed-orders.ts';
import type { ReviewedVolume, StudyListing } from '../../store/records/find-studies.ts';
import type { StudyTries } from '../api/api-parts.ts';
import { type Html, html } from '../html.ts';
import { clock, day, ml, moment, patientName } from './format.ts';
import { meaningOf } from './meaning.ts';
import { orderSection } from './order-table.ts';
import { outgoingSection } from './outgoing-table.ts';
import { resultCard } from './result-card.ts';
import { decisionTable, processForm, reasonOf, stateOf } from './study-parts.ts';
import { TEXTS } from './texts.ts';

export interface StudyPageInput {
  readonly listing: StudyListing;
  /** The orders for the study, newest first. */
  readonly orders: readonly PerformedOrder[];
  /** What was and is to be sent to other systems, the latest first. */
  readonly outgoing: readonly Outgoing[];
  /** Of the study's results, the one that is shown; undefined where there is none. */
  readonly shown: ReviewedVolume | undefined;
  /** What must be said of the model that made it. */
  readonly notice: string | undefined;
  /** How often the work on it was tried, where it failed or waits for another try. */
  readonly tries: StudyTries | undefined;
  /** Why it is not compared with others under its PatientID; undefined where none is left out. */
  readonly apart: ApartReason | undefined;
  readonly meaning: MeaningSettings | undefined;
  readonly basePath: string;
  readonly mayAct: boolean;
  readonly mayReview: boolean;
  readonly rejectionNotes: boolean;
  /** Of a viewer, for this study. */
  readonly viewerUrl: string | undefined;
}

const T = TEXTS.study;

export function studyBody(input: StudyPageInput): Html {
  const { listing, basePath, mayAct } = input;
  const { study, header, decisions } = listing;
  const uid = study.studyInstanceUid;
  return html`<div class="title" data-study="${uid}">
<div><h1>${header?.description || T.title}</h1>
<p class="uid">${uid}</p></div>
<div class="actions"><span data-state>${stateOf(listing)}</span>
${listing.volumes.some(({ historyAlone }) => !historyAlone) && html`<a class="button" href="${basePath}/api/studies/${uid}/files.zip">${T.downloadAll}</a>`}
${input.viewerUrl && html`<a class="button" href="${input.viewerUrl}">${T.viewer}</a>`}
${mayAct && processForm(uid, basePath)}</div>
</div>
${study.reason && html`<section class="trouble ${study.state}"><h2>${reasonTitle(study.state)}</h2>${reasonOf(study, { decisions, tries: input.tries })}</section>`}
${facts(input)}
${orderSection(input.orders)}
${resultSection(input)}
${outgoingSection(input.outgoing, { studyInstanceUid: uid, basePath, mayAct })}
<section><h2>${T.series}</h2>
${decisions.length > 0 ? decisionTable(decisions) : html`<p class="empty">${T.noSeries}</p>`}
</section>`;
}

function reasonTitle(state: StudyListing['study']['state']): string {
  if (state === 'failed') return T.failedBecause;
  return state === 'skipped' ? T.skippedBecause : T.waitsBecause;
}

function facts({ listing, basePath }: StudyPageInput): Html {
  const { header, study, volumes } = listing;
  const patientKey = header?.patientKey ?? volumes[0]?.patientKey;
  const id = header?.patientId && `${header.patientId}${header.issuer ? ` (${header.issuer})` : ''}`;
  const rows: [name: string, value: Html | string | undefined][] = [
    [
      T.patient,
      patientKey === undefined
        ? undefined
        : html`<a href="${basePath}/patients/${patientKey}">${patientName(header, patientKey)}</a>`,
    ],
    [T.patientId, id],
    [T.born, header?.birthDate && day(header.birthDate)],
    [T.sex, header?.sex],
    [T.date, header && `${day(header.studyDate)} ${clock(header.studyTime)}`],
    [T.accession, header?.accessionNumber],
    [T.scanner, header?.scanner],
    [T.changed, moment(study.changedAt)],
  ];
  return html`<dl class="facts">${rows
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Whether a message is about this result, or about one that it took the place of. */
const isOf = ({ volume }: Outgoing, { seriesInstanceUid, part, model, report, supersedes }: ReviewedVolume) =>
  [report.sopInstanceUid, supersedes].includes(volume.report.sopInstanceUid) ||
  (volume.seriesInstanceUid === seriesInstanceUid &&
    volume.part === part &&
    volume.model.sha256 === model.sha256 &&
    volume.model.mode === model.mode);

function resultSection(input: StudyPageInput): Html {
  const { listing, shown, basePath } = input;
  if (!shown) return html`<section><h2>${T.results}</h2><p class="empty">${T.noResults}</p></section>`;
  const { volumes } = listing;
  const others =
    volumes.length > 1 &&
    html`<nav class="tabs" aria-label="${T.results}">${volumes.map(
      (volume) =>
        html`<a href="?result=${volume.report.sopInstanceUid}"${volume === shown && html` aria-current="true"`}>${volume.class}${volume.part && ` ${volume.part}`}, ${volume.model.name}: ${volume.seg ? `${ml(volume.volumeMl)} ml` : T.nothingFound}</a>`,
    )}</nav>`;
  const of = { ml: shown.correction?.volumeMl ?? shown.volumeMl, images: shown.class };
  const means = shown.seg || shown.correction ? meaningOf(input.meaning, listing.header, of) : [];
  return html`<section><h2>${T.results}</h2>
${others}
${resultCard(shown, { ...input, toldElsewhere: input.outgoing.some((one) => isOf(one, shown)) })}
${means.map((sentence) => html`<p><small>${sentence}</small></p>`)}
${input.apart && html`<p class="trouble">${APART_MEANINGS[input.apart]}</p>`}
</section>
${
  shown.historyAlone
    ? undefined
    : html`<section class="images" aria-labelledby="images-title" data-images="${basePath}/api/results/${shown.report.sopInstanceUid}/images" data-unit="${shown.class === 'CT' ? ' HU' : ''}">
<h2 id="images-title">${TEXTS.images.title}</h2>
<noscript><p>${TEXTS.images.needsScript}</p></noscript>
</section>`
}`;
}
