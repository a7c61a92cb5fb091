import { blandAltmanPlot } from '../evaluation/page/plots.ts';
import { type Html, html } from '../http/html.ts';
import { day, ml, shortHash, signed } from '../http/pages/format.ts';
import type { CandidateCase, CandidateGroup, CandidateReport } from './summary.ts';
import { CANDIDATE_TEXTS } from './texts.ts';

const T = CANDIDATE_TEXTS;
const C = T.columns;

/** How many of the worst cases are shown one by one, and how many are points of the plot. */
const MOST_CASES = 20;
const MOST_POINTS = 2_000;

const ratio = (value: number | null): string => (value === null ? '' : value.toFixed(3));

/** What people see of candidates beside the models in use. */
export function candidatesBody({ groups, open }: CandidateReport, basePath: string): Html {
  const sections = groups.map((group) => groupSection(group, basePath));
  return html`<h1>${T.title}</h1>
<p>${T.explain}</p>
${open.length > 0 && html`<ul class="flags">${open.map(openItem)}</ul>`}
${sections.length > 0 ? sections : html`<section><p class="empty">${T.none}</p></section>`}`;
}

function openItem({ class: ofClass, candidate, waiting, failed, reason }: CandidateReport['open'][number]) {
  const why = reason !== undefined && html`<br><small>${T.lastFailure} ${reason}</small>`;
  return html`<li>${T.open(ofClass, candidate, waiting, failed)}${why}</li>`;
}

const named = ({ name, version }: CandidateGroup['inUse']): string => `${name} ${version}`;

function groupSection(group: CandidateGroup, basePath: string): Html {
  const { class: ofClass, candidate, inUse, dice, volumes, nothingFound } = group;
  const { candidateOnly, inUseOnly, both } = nothingFound;
  return html`<section class="compared"><h2>${T.heading(ofClass, named(candidate), named(inUse))}</h2>
<p>${T.counted(group.studies, group.images)}
${T.same(ratio(dice.mean), ratio(dice.median), ratio(dice.lowest))}</p>
<p>${volumes ? biasWords(volumes) : T.tooFew} ${T.nothing(candidateOnly, inUseOnly, both)}</p>
<dl class="models">${modelItem(T.candidate, candidate)}${modelItem(T.inUse, inUse)}</dl>
${plotOf(group)}
<h3>${T.readers}</h3>
<p>${T.readersExplain}</p>
${verdictTable(group)}
<p>${correctionWords(group)}</p>
<h3>${T.flags}</h3>
${group.flags.length === 0 ? html`<p>${T.noFlags}</p>` : flagTable(group)}
<h3>${T.worst}</h3>
${caseTable(group, basePath)}
<p class="hint">${T.promote} <code>${T.promotion(candidate.name)}</code></p>
</section>`;
}

const biasWords = ({ bias, lowerLimit, upperLimit }: NonNullable<CandidateGroup['volumes']>): string =>
  T.bias(ml(Math.abs(bias)), bias >= 0, signed(lowerLimit), signed(upperLimit));

const modelItem = (what: string, model: CandidateGroup['inUse']): Html =>
  html`<div><dt>${what}</dt><dd>${named(model)}, ${T.mode} ${model.mode}, ${T.weights}
<code>${shortHash(model.sha256)}</code></dd></div>`;

function plotOf({ volumes, cases }: CandidateGroup): Html | undefined {
  if (!volumes) return undefined;
  const points = cases
    .filter(({ inUseMl, candidateMl }) => inUseMl > 0 && candidateMl > 0)
    .slice(0, MOST_POINTS)
    .map(({ inUseMl, candidateMl, differenceMl, studyInstanceUid }) => ({
      x: (inUseMl + candidateMl) / 2,
      y: differenceMl,
      title: `${studyInstanceUid}: ${ml(inUseMl)}, ${ml(candidateMl)} ml`,
    }));
  const plot = blandAltmanPlot([{ title: '', points }], volumes, T.axis);
  return html`<figure class="plot">${plot}<figcaption>${T.plot(MOST_POINTS)}</figcaption></figure>`;
}

function verdictTable({ verdicts }: CandidateGroup): Html {
  const rows = verdicts.map(({ decision, dice, medianDifferenceMl: median }) => [
    cell(C.verdict, T.verdicts[decision]),
    number(C.images, dice.n),
    number(C.dice, ratio(dice.mean)),
    number(C.lowest, ratio(dice.lowest)),
    number(C.difference, median === null ? '' : ml(median)),
  ]);
  return table([C.verdict, C.images, C.dice, C.lowest, C.difference], rows);
}

function correctionWords({ corrections }: CandidateGroup): string {
  const { n, candidateDice, inUseDice, candidateNearer, inUseNearer } = corrections;
  if (n === 0) return T.noCorrections;
  return T.corrections(n, ratio(candidateDice), ratio(inUseDice), candidateNearer, inUseNearer);
}

function flagTable({ flags }: CandidateGroup): Html {
  const rows = flags.map(({ flag, both, candidateOnly, inUseOnly }) => [
    cell(C.flag, flag),
    number(C.both, both),
    number(C.candidateOnly, candidateOnly),
    number(C.inUseOnly, inUseOnly),
  ]);
  return table([C.flag, C.both, C.candidateOnly, C.inUseOnly], rows);
}

function caseTable({ cases }: CandidateGroup, basePath: string): Html {
  const rows = cases.slice(0, MOST_CASES).map((one) => {
    const { studyInstanceUid, studyDate, report, part, decision, corrected } = one;
    const address = `${basePath}/studies/${studyInstanceUid}?result=${report}`;
    const ofPart = part !== '' && html` <small>${part}</small>`;
    return [
      cell(
        C.study,
        html`<a href="${address}">${day(studyDate)} <code>${studyInstanceUid}</code></a>${ofPart}`,
      ),
      number(C.oneDice, ratio(one.dice)),
      number(C.inUseMl, ml(one.inUseMl)),
      number(C.candidateMl, ml(one.candidateMl)),
      number(C.differenceMl, signed(one.differenceMl)),
      cell(C.flags, flagWords(one)),
      cell(C.review, decision === null ? '' : html`<span class="nowrap">${T.verdicts[decision]}</span>`),
      cell(C.reader, corrected ? `${ratio(corrected.inUseDice)} / ${ratio(corrected.candidateDice)}` : ''),
    ];
  });
  const { study, oneDice, inUseMl, candidateMl, differenceMl, flags, review, reader } = C;
  return table([study, oneDice, inUseMl, candidateMl, differenceMl, flags, review, reader], rows);
}

const flagWords = ({ inUseFlags, candidateFlags }: CandidateCase): string =>
  inUseFlags.length + candidateFlags.length === 0
    ? ''
    : [inUseFlags, candidateFlags].map((flags) => flags.join(', ') || '\u2013').join(' / ');

const table = (names: readonly string[], rows: readonly (readonly Html[])[]): Html =>
  html`<table class="stack"><thead><tr>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map((cells) => html`<tr>${cells}</tr>`)}</tbody></table>`;

const cell = (label: string, value: string | Html): Html => html`<td data-label="${label}">${value}</td>`;

const number = (label: string, value: string | number): Html =>
  html`<td data-label="${label}" class="number">${value}</td>`;
