/**
 * Keeps lists and states up to date: progress as it comes, the rest by fetching the page again when a state
 * changed.
 */

import { TEXTS } from '../pages/texts.ts';

/** Several changes at a time are one look, and a busy node is not asked all the time. */
const REFRESH_MS = 1_000;
/** How the node is changes without a study. */
const HEALTH_MS = 15_000;
/** A part that has not answered yet is looked for sooner. */
const UNKNOWN_MS = 3_000;
/** A node that takes longer to answer is as good as away. */
const PATIENCE_MS = 10_000;

const base = document.body.dataset['base'] ?? '';
let waiting: number | undefined;
let lastContact = new Date();

function connect(): void {
  const events = new EventSource(`${base}/api/events`);
  events.addEventListener('progress', ({ data }: MessageEvent<string>) => showProgress(data));
  events.addEventListener('study', refreshSoon);
  // The connection is gone: whether the node is, the next look tells.
  events.addEventListener('error', refreshSoon);
  if (document.querySelector('[data-live="health"]')) {
    setInterval(refreshSoon, HEALTH_MS);
    lookForUnknown();
  }
}

function refreshSoon(): void {
  waiting ??= window.setTimeout(() => void look(), REFRESH_MS);
}

/** A look whose failure is shown: nothing on the page may seem to be of now and is not. */
async function look(): Promise<void> {
  waiting = undefined;
  try {
    const isThere = await refresh();
    showContact(isThere);
  } catch {
    showContact(false);
  }
  lookForUnknown();
}

function lookForUnknown(): void {
  if (document.querySelector('.card.unknown')) setTimeout(refreshSoon, UNKNOWN_MS);
}

function showContact(isThere: boolean): void {
  const main = document.querySelector('main');
  if (isThere) lastContact = new Date();
  const banner = main?.querySelector('.lost-contact');
  main?.classList.toggle('stale', !isThere);
  if (isThere) banner?.remove();
  if (isThere || banner || !main) return;
  const lost = document.createElement('p');
  lost.className = 'lost-contact';
  lost.setAttribute('role', 'alert');
  lost.textContent = TEXTS.health.noContact(lastContact.toLocaleTimeString('sv-SE'));
  main.prepend(lost);
  for (const dot of main.querySelectorAll('.card .dot'))
    dot.setAttribute('aria-label', TEXTS.health.states.unknown);
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

/**
 * The same page, asked for again: its live parts take the place of those that are shown.
 * @returns whether the node gave it
 */
async function refresh(): Promise<boolean> {
  const study = document.querySelector<HTMLElement>('main .title[data-study]');
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(location.href, { headers: { Accept: 'text/html' }, signal });
  if (!response.ok) return false;
  // Who is not signed in any more gets another page.
  if (new URL(response.url).pathname.endsWith('/login')) location.reload();
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  if (study) {
    refreshStudy(fresh);
    return true;
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
  return true;
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
