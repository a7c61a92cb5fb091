import { moduleAddress } from '../assets/browser-modules.ts';
import { type Html, html } from '../html.ts';
import type { Principal } from '../security/principal.ts';
import { TEXTS } from './texts.ts';

/** What every page has around its content. */
export interface Frame {
  readonly basePath: string;
  readonly researchOnly: boolean;
  readonly version: string;
  /** Who looks; undefined where nobody is asked who they are. */
  readonly principal: Principal | undefined;
}

/** A module of ours, or the chart library. */
type PageScript = Parameters<typeof moduleAddress>[0] | 'uplot';

export interface PageContent {
  readonly title: string;
  readonly current?: 'studies' | 'cohort' | 'quality' | 'candidates';
  readonly body: Html;
  /** Pages work without it. */
  readonly scripts?: readonly PageScript[];
}

export function page(
  { basePath, researchOnly, version, principal }: Frame,
  { title, current, body, scripts = [] }: PageContent,
): string {
  const link = (path: string, name: string, key: PageContent['current']) =>
    html`<a href="${basePath}${path}"${current === key && ARIA_CURRENT}>${name}</a>`;
  return html`<!doctype html>
<html lang="${TEXTS.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${TEXTS.product}</title>
<link rel="icon" href="${basePath}/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${basePath}/assets/style.css">
${scripts.map((script) =>
  script === 'uplot'
    ? html`<script defer src="${basePath}/assets/uplot.js"></script>`
    : html`<script type="module" src="${basePath}/assets/${moduleAddress(script)}"></script>`,
)}
</head>
<body data-base="${basePath}">
<a class="skip" href="#content">${TEXTS.skip}</a>
<header class="top">
<a class="brand" href="${basePath}/"><img src="${basePath}/assets/icon.svg" alt="" width="28" height="28">${TEXTS.product}</a>
<nav aria-label="${TEXTS.navigation}">
${link('/', TEXTS.studies, 'studies')}
${link('/cohort', TEXTS.cohort, 'cohort')}
${link('/quality', TEXTS.quality, 'quality')}
${link('/candidates', TEXTS.candidates, 'candidates')}
</nav>
<span class="spring"></span>
${researchOnly && html`<strong class="research">${TEXTS.researchOnly}</strong>`}
${principal && principal.by === 'cookie' && signedIn(principal, basePath)}
</header>
<main id="content" tabindex="-1">
${body}
</main>
<footer class="bottom">${TEXTS.product} ${version}${researchOnly && html` · ${TEXTS.researchOnly}`} ·
<a href="${basePath}/api/openapi.json">${TEXTS.api}</a></footer>
</body>
</html>
`.text;
}

const ARIA_CURRENT = html` aria-current="page"`;

const signedIn = ({ name }: Principal, basePath: string): Html => html`<form class="session" method="post"
action="${basePath}/logout"><span>${TEXTS.signedIn(name)}</span> <button class="quiet">${TEXTS.signOut}</button></form>`;
