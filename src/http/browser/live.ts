/** Keeps lists and states up to date: progress as it comes, the rest by fetching the page again when a state changed. */

/** Several changes at a time are one look. */
const REFRESH_MS = 400;

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
}

function showProgress(data: string): void {
  const { studyInstanceUid, stage, fraction }: Progress = JSON.parse(data);
  const row = document.querySelector(`[data-study="${CSS.escape(studyInstanceUid)}"]`);
  const bar = row?.querySelector('progress');
  const words = row?.querySelector('.stage');
  if (!bar || !words) return;
  if (fraction === undefined) bar.removeAttribute('value');
  else bar.value = fraction;
  bar.setAttribute('aria-label', stage);
  words.textContent = fraction === undefined ? stage : `${stage} ${Math.round(100 * fraction)} %`;
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
    // What a reader has opened, or is about to press, stays.
    if (!next || part.innerHTML === next.innerHTML || part.contains(document.activeElement)) continue;
    const open = [...part.querySelectorAll('details[open]')].map((one) => rowOf(one));
    part.replaceWith(document.adoptNode(next));
    for (const details of next.querySelectorAll('details')) details.open = open.includes(rowOf(details));
  }
}

const rowOf = (element: Element): string => element.closest('[data-study]')?.getAttribute('data-study') ?? '';

/** A study's page is loaded anew when its state is another one: results come with it. */
function refreshStudy(fresh: Document): void {
  const state = (page: Document) => page.querySelector('.title .state')?.className;
  if (state(fresh) !== state(document) && document.activeElement?.tagName !== 'INPUT') location.reload();
}

connect();
