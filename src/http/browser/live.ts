/**
 * Keeps lists and states up to date: progress as it comes, the rest by fetching the page again when a state
 * changed.
 */

import { TEXTS } from '../pages/texts.ts';

/** Several changes at a time are one look, and a busy node is not asked all the time. */
const REFRESH_MS = 1_000;

const base = document.body.dataset['base'] ?? '';
let waiting: number | undefined;

function connect(): void {
  const events = new EventSource(`${base}/api/events`);
  events.addEventListener('progress', ({ data }: MessageEvent<string>) => showProgress(data));
  events.addEventListener('study', () => {
    waiting ??= window.setTimeout(() => void refresh(), REFRESH_MS);
  });
}

interface Progress {
  readonly studyInstanceUid: string;
  readonly stage: string;
  readonly fraction?: number;
  readonly secondsLeft?: number;
}

function showProgress(data: string): void {
  const progress: Progress = JSON.parse(data);
  const { studyInstanceUid, stage, fraction } = progress;
  const row = document.querySelector(`[data-study="${CSS.escape(studyInstanceUid)}"]`);
  const bar = row?.querySelector('progress');
  const words = row?.querySelector('.stage');
  if (!bar || !words) return;
  if (fraction === undefined) bar.removeAttribute('value');
  else bar.value = fraction;
  bar.setAttribute('aria-label', stage);
  words.textContent = TEXTS.progress(progress);
}

/** The same page, asked for again: its live parts take the place of those that are shown. */
async function refresh(): Promise<void> {
  waiting = undefined;
  const study = document.querySelector<HTMLElement>('main .title[data-study]');
  const response = await fetch(location.href, { headers: { Accept: 'text/html' } });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  if (study) {
    refreshStudy(fresh);
    return;
  }
  for (const part of document.querySelectorAll<HTMLElement>('[data-live]')) {
    const next = fresh.querySelector(`[data-live="${part.dataset['live'] ?? ''}"]`);
    if (!next || part.innerHTML === next.innerHTML) continue;
    // What a reader has opened stays open, and the focus stays where it is.
    const focused = part.contains(document.activeElement) ? keyOf(document.activeElement) : undefined;
    const open = [...part.querySelectorAll('details[open]')].map((one) => rowOf(one));
    part.replaceWith(document.adoptNode(next));
    for (const details of next.querySelectorAll('details')) details.open = open.includes(rowOf(details));
    if (focused !== undefined) {
      const controls = [...next.querySelectorAll<HTMLElement>('a, button, summary')];
      controls.find((one) => keyOf(one) === focused)?.focus({ preventScroll: true });
    }
  }
}

/** What a control is, in whatever version of the page. */
const keyOf = (element: Element | null): string =>
  element === null
    ? ''
    : [rowOf(element), element.tagName, element.getAttribute('href') ?? element.textContent].join(' ');

const rowOf = (element: Element): string => element.closest('[data-study]')?.getAttribute('data-study') ?? '';

/** A study's page is loaded anew when its state is another one: results come with it. */
function refreshStudy(fresh: Document): void {
  const state = (page: Document) => page.querySelector('.title .state')?.className;
  if (state(fresh) !== state(document) && document.activeElement?.tagName !== 'INPUT') location.reload();
}

connect();
