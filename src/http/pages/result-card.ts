import { flagMeaning, QUALITY_FLAGS } from '../../results/quality-flags.ts';
import type { ReviewedVolume } from '../../store/records/find-studies.ts';
import { type Html, html } from '../html.ts';
import { ml, moment, shortHash } from './format.ts';
import { TEXTS } from './texts.ts';

const T = TEXTS.study;

/** What was measured, how sure it is, by which model, where the objects are, and what readers said. */
export function resultCard(
  volume: ReviewedVolume,
  options: {
    basePath: string;
    mayReview: boolean;
    notice: string | undefined;
    rejectionNotes: boolean;
    toldElsewhere: boolean;
  },
): Html {
  const { basePath, mayReview, notice } = options;
  const { report, seg, model } = volume;
  const place = `${basePath}/api/results/${report.sopInstanceUid}`;
  return html`<div class="result">
<div class="figure">
<p class="measure">${seg ? html`<strong>${ml(volume.volumeMl)}</strong> ml` : T.nothingFound}</p>
<p>${TEXTS.study.volume}, ${volume.class}${volume.part && html` (${volume.part})`}</p>
${volume.intervalMl && html`<p>${T.interval(ml(volume.intervalMl.low), ml(volume.intervalMl.high))}</p>`}
${volume.correction && html`<p class="corrected">${T.corrected(ml(volume.correction.volumeMl))}</p>`}
${volume.withdrawn && html`<p><span class="state failed">${T.withdrawn}</span></p>`}
</div>
<div>
<h3>${T.flags}</h3>
${
  volume.flags.length === 0
    ? html`<p>${T.noFlags}</p>`
    : html`<ul class="flags">${volume.flags.map((flag) => html`<li>${meaningOf(flag)}</li>`)}</ul>`
}
</div>
<div>
<h3>${T.model}</h3>
<p>${model.name} ${model.version}, ${T.mode} ${model.mode}</p>
${notice && html`<p class="notice">${notice}</p>`}
<p><small>${T.weights} <code>${shortHash(model.sha256)}</code></small></p>
<p><small>${T.made} ${moment(new Date(volume.contentDateTime))}</small></p>
</div>
<div>
<h3>${T.downloads}</h3>
${
  volume.historyAlone
    ? html`<p>${T.historyAlone}</p>`
    : html`<ul class="links">${seg && html`<li><a href="${place}/seg">${T.seg}</a></li>`}<li><a href="${place}/report">${T.report}</a></li></ul>`
}
</div>
${reviewBox(volume, place, mayReview, noteOf(volume, options))}
</div>`;
}

/** What else a rejection does. */
function noteOf(
  { historyAlone }: ReviewedVolume,
  { rejectionNotes, toldElsewhere }: { rejectionNotes: boolean; toldElsewhere: boolean },
): string {
  const { note, noteArchive, noteExits } = TEXTS.review;
  // Neither the archive nor anybody else knows of what is in the history alone.
  if (historyAlone) return note;
  return [rejectionNotes ? noteArchive : note, ...(toldElsewhere ? [noteExits] : [])].join(' ');
}

function reviewBox(volume: ReviewedVolume, place: string, mayReview: boolean, note: string): Html {
  const { review } = volume;
  const R = TEXTS.review;
  return html`<div class="review">
<h3>${R.title}</h3>
<p>${
    review
      ? html`<span class="state ${review.decision}">${R[review.decision]}</span> ${R.by(review.reviewer, moment(review.reviewedAt))}${review.reason && html`: <q>${review.reason}</q>`}`
      : R.none
  }</p>
${
  mayReview &&
  html`<form method="post" action="${place}/review">
<label>${R.reason} <input name="reason" maxlength="500" autocomplete="off"></label>
<button name="decision" value="accepted">${R.accept}</button>
<button name="decision" value="rejected">${R.reject}</button>
</form>
<p><small>${note}</small></p>`
}
</div>`;
}

function meaningOf(flag: string): string {
  const known = QUALITY_FLAGS.find((one) => one === flag);
  return known ? flagMeaning(known) : flag;
}
