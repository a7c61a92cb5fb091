import type { NodeHealth } from '../api/api-parts.ts';
import { type Html, html } from '../html.ts';
import { moment, time } from './format.ts';
import { TEXTS } from './texts.ts';

const T = TEXTS.health;

/** How the work goes, in one line, and when that was looked at. */
export function healthFigures({ figures, lookedAt }: NodeHealth): Html {
  const F = T.figures;
  const rows: [name: string, value: string][] = figures
    ? [
        [F.lastPoll, figures.lastPoll ? time(figures.lastPoll) : F.never],
        [F.today, String(figures.endedToday)],
        [F.median, figures.medianSeconds === undefined ? F.none : duration(figures.medianSeconds)],
        [
          F.longest,
          figures.longestWaitingSeconds === undefined ? F.none : duration(figures.longestWaitingSeconds),
        ],
        [F.end, endOf(figures)],
      ]
    : [];
  return html`<dl>${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<p class="looked"><small>${T.lookedAt} <time datetime="${lookedAt.toISOString()}">${time(lookedAt)}</time></small></p>`;
}

function endOf({ isQueueEmpty, queueEndsAt }: NonNullable<NodeHealth['figures']>): string {
  if (isQueueEmpty) return T.figures.empty;
  return queueEndsAt ? T.figures.about(moment(queueEndsAt)) : T.figures.nobodyKnows;
}

/** To about two digits. */
function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
