import type { RequestHandler } from 'express';
import type { StudyDetails } from '../pipeline/records/study-details.ts';
import { type Html, html } from './html.ts';
import type { StudiesApi } from './studies-api.ts';

const SHOWN = 100;
const REFRESH_SECONDS = 5;

/** The page at `/`: the latest studies, where they stand, what was chosen in them and why, and the volumes. */
export function studiesPage(studies: StudiesApi): RequestHandler {
  return async (_request, response) => {
    const latest = await studies.list({ limit: SHOWN, offset: 0 });
    response.type('html').send(page(latest).text);
  };
}

const page = (latest: readonly StudyDetails[]): Html => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${REFRESH_SECONDS}">
<title>pansegnet-node</title>
<style>
:root { color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
section { border-top: 1px solid; margin-top: 1.5rem; }
h2 { font-size: 1.1rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
</style>
</head>
<body>
<h1>pansegnet-node</h1>
<p>For research use only.</p>
${latest.length === 0 ? html`<p>No study has been seen yet.</p>` : latest.map(studySection)}
</body>
</html>`;

const studySection = ({ study, decisions, volumes }: StudyDetails): Html => html`<section>
<h2>${study.state}: study ${study.studyInstanceUid}</h2>
${study.reason ? html`<p>${study.reason}</p>` : ''}
${volumes.map(
  (volume) => html`<p><strong>${volume.volumeMl.toFixed(1)} ml</strong> pancreas, ${volume.class}, study date
${volume.studyDate || 'unknown'}, model ${volume.model.name} ${volume.model.version}${volume.flags.length > 0 ? `; flags: ${volume.flags.join(', ')}` : ''}</p>`,
)}
${
  decisions.length > 0
    ? html`<table><thead><tr><th scope="col">Series</th><th scope="col">Taken for</th><th scope="col">Chosen</th><th scope="col">Reason</th></tr></thead><tbody>
${decisions.map(
  (decision) =>
    html`<tr><td>${decision.description}</td><td>${decision.class}</td><td>${decision.chosen ? 'yes' : 'no'}</td><td>${decision.reason}</td></tr>`,
)}</tbody></table>`
    : ''
}
</section>`;
