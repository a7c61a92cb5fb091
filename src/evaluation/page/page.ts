import { Html, html } from '../../http/html.ts';
import { OUTLINES } from '../cases/case-picture.ts';
import { ARTICLE } from '../summary/article.ts';
import type { Evaluation } from '../summary/evaluation.ts';
import { agreementsOf, type GroupSummary } from '../summary/group-summary.ts';
import { METRICS } from '../summary/metrics.ts';
import { type CaseRow, MODALITY_COLUMN, titleOf } from '../summary/rows.ts';
import { blandAltmanPlot, boxPlots, legend, type Series, scatterPlot } from './plots.ts';
import { STYLE } from './style.ts';
import {
  comparisonTable,
  groupTitle,
  metricsTable,
  NOTHING,
  number,
  ratersTable,
  repeatabilityTable,
  table,
  volumesTable,
} from './tables.ts';

/** So many metrics are as wide as a page; the others get a table of their own. */
const SPLIT = 6;

/** A case of the lowest Dice, as a PNG. */
export interface WorstCase {
  readonly row: CaseRow;
  readonly picture: Uint8Array | undefined;
}

/** The evaluation as one HTML page that needs nothing else: style, plots and pictures are in it. */
export function evaluationPage(evaluation: Evaluation, worst: readonly WorstCase[]): string {
  const { groups, models, rows } = evaluation;
  const few = groups.filter(({ by }) => Object.keys(by).length < 2);
  const notices = [...new Set(models.flatMap(({ info }) => info.notice ?? []))];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Pancreas segmentation: evaluation</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<h1>Pancreas segmentation: evaluation</h1>
<p class="notice">For research use only; no medical device.${notices.map((notice) => html` Model: ${notice}.`)}</p>
${facts(evaluation)}
${failures(rows)}
${section(
  'Agreement of predictions and labels',
  html`${metricsTable(groups, METRICS.slice(0, SPLIT))}${metricsTable(groups, METRICS.slice(SPLIT))}
<p class="muted">Mean ± SD (n − 1), and below median (quartiles). Where a prediction or a label is empty there
is no distance: such cases are missing from HD95 and mean surface distance, and n is told. HD95: 95th
percentile of both surfaces’ distances together, as medpy’s. Kappa: over the voxels of the smallest box that
holds both masks. Volume error: predicted less labelled. Beside it the article’s figures: ${ARTICLE}.</p>`,
)}
${section(
  'How they are spread',
  html`<div class="plots">${boxes(few, rows)}</div>
<p class="muted">Box: quartiles and median; whiskers: the last values within 1.5 boxes; every case is a dot.</p>`,
)}
${section(
  'Volumes',
  html`${volumesTable(groups.filter(({ n }) => n > 1))}
<p class="muted">In small print 95 % confidence intervals. The article does not say which R² it reports.</p>
${volumePlots(groups[0], rows)}`,
)}
${optional(
  'Between raters',
  ratersTable(groups),
  `Cohen’s kappa of each two raters, voxel by voxel in the smallest box
that holds both masks; mean ± SD over cases. ICC(2,1): two-way random effects, absolute agreement, single
rater.`,
)}
${optional(
  'Against the other predictions',
  comparisonTable(groups),
  `Differences are the predictions less those of
--against, with their 95 % interval. Wilcoxon’s p is exact where it can be, ~ marks the normal approximation.
No p is corrected for their number.`,
)}
${optional(
  'Repeatability',
  repeatabilityTable(groups),
  `Of the predicted volumes of repeated scans: by how much two of
them differ at most in 95 of 100 cases, with 95 % intervals. The coefficient in percent is what
results.repeatabilityPercent of the configuration takes for these images.`,
)}
${section(
  'Lowest Dice',
  html`<p><span class="swatch" style="color:${OUTLINES.label}"></span>label
<span class="swatch" style="color:${OUTLINES.prediction}"></span>prediction; the axial plane in which they differ most</p>
<div class="worst">${worst.map(worstCase)}</div>`,
)}
${section('All cases', casesTable(evaluation))}
</main>
</body>
</html>
`.text;
}

const section = (title: string, content: Html): Html => html`<section><h2>${title}</h2>${content}</section>`;

const optional = (title: string, content: Html | undefined, words: string): Html | undefined =>
  content && section(title, html`${content}<p class="muted">${words}</p>`);

function facts(evaluation: Evaluation): Html {
  const { models, rows, settings, softwareVersion, madeAt, mode, unlabelled, labelsFromArchive } = evaluation;
  const failed = rows.filter(({ outcome }) => outcome.failure).length;
  const moved = rows.filter(({ outcome }) => (outcome.measures?.resampled.length ?? 0) > 0).length;
  const values = (which: readonly number[] | undefined) => which?.join(', ') ?? 'all above 0';
  const made = models.map(
    ({ info, sha256 }) =>
      html`<dt>Model</dt><dd>${info.title} (${info.name}), version ${info.version}, for ${info.modality}<br><code>sha256 ${sha256}</code></dd>`,
  );
  return html`<section><dl class="facts">
${models.length > 0 ? made : html`<dt>Model</dt><dd>none: predictions were given, and whose they are is not known</dd>`}
<dt>Software</dt><dd>pansegnet-node ${softwareVersion}, mode ${mode}</dd>
<dt>Made</dt><dd>${madeAt.toISOString().slice(0, 16).replace('T', ' ')} UTC</dd>
<dt>Cases</dt><dd>${rows.length}: ${rows.length - failed} evaluated, ${failed} failed${
    unlabelled > 0 && html`; ${unlabelled} images or predictions without a label were left out`
  }</dd>
<dt>Pancreas</dt><dd>label values ${values(settings.labelValues)}; prediction values ${values(settings.predictionValues)}</dd>
${moved > 0 && html`<dt>Grids</dt><dd>${moved} cases have masks on several grids, laid on the label’s by nearest voxels</dd>`}
${
  labelsFromArchive &&
  html`<dt>Labels</dt><dd>this node’s accepted results, and readers’ corrections where there are any. An
accepted result is the node’s own work: the model that made it agrees with it more than it would with a reader’s own label.</dd>`
}
</dl></section>`;
}

function failures(rows: readonly CaseRow[]): Html | undefined {
  const failed = rows.filter(({ outcome }) => outcome.failure);
  if (failed.length === 0) return undefined;
  const lines = failed.map((row) => [titleOf(row), row.outcome.failure?.code ?? '']);
  return section(
    'Failed cases',
    html`<p class="bad">${failed.length} of ${rows.length} cases are not in any figure below.</p>
${table(['Case', 'Why'], lines)}
<p class="muted">The program’s output says more, with the names of files.</p>`,
  );
}

/** So many boxes fit beside each other. */
const MOST_BOXES = 8;

function boxes(groups: readonly GroupSummary[], rows: readonly CaseRow[]): Html[] {
  const shown = groups.slice(0, MOST_BOXES);
  const valuesOf = (name: 'dice' | 'hd95Mm' | 'surfaceDice1Mm' | 'errorPercent', times: number) =>
    shown.map((group) => ({
      title: groupTitle(group),
      values: agreementsOf(rows.filter((row) => isIn(row, group))).flatMap((one) => {
        const value = one[name];
        return value === null ? [] : [value * times];
      }),
    }));
  return [
    boxPlots(valuesOf('dice', 100), 'Dice, %'),
    boxPlots(valuesOf('hd95Mm', 1), 'HD95, mm'),
    boxPlots(valuesOf('surfaceDice1Mm', 100), 'surface Dice at 1 mm, %'),
    boxPlots(valuesOf('errorPercent', 1), 'volume error, %'),
  ].flatMap((plot) => (plot ? [html`<figure>${plot}</figure>`] : []));
}

const isIn = ({ groups }: CaseRow, { by }: GroupSummary): boolean =>
  Object.entries(by).every(([column, value]) => (groups.get(column) ?? '') === value);

function volumePlots(all: GroupSummary | undefined, rows: readonly CaseRow[]): Html {
  const parts = [...Map.groupBy(rows, ({ groups }) => groups.get(MODALITY_COLUMN) ?? '')];
  const series = (of: (predicted: number, labelled: number) => { x: number; y: number }): Series[] =>
    parts.map(([title, part]) => ({
      title,
      points: part.flatMap((row) => {
        const found = row.outcome.measures?.agreement;
        return found ? [{ ...of(found.predictedMl, found.labelMl), title: titleOf(row) }] : [];
      }),
    }));
  const found = all?.volumes.blandAltman;
  const plots = [
    scatterPlot(series((predicted, labelled) => ({ x: labelled, y: predicted }))),
    found &&
      blandAltmanPlot(
        series((predicted, labelled) => ({ x: (predicted + labelled) / 2, y: predicted - labelled })),
        found,
      ),
  ];
  const captions = [
    'Dashed: equal volumes.',
    'Bias and limits of agreement of all cases, with their 95 % intervals.',
  ];
  return html`${legend(parts.map(([title]) => ({ title })))}<div class="plots">${plots.flatMap((plot, i) =>
    plot ? [html`<figure>${plot}<figcaption>${captions[i]}</figcaption></figure>`] : [],
  )}</div>`;
}

function worstCase({ row, picture }: WorstCase): Html {
  const found = row.outcome.measures?.agreement;
  const values = [...row.groups.values()].filter((value) => value !== '').join(', ');
  const image = picture
    ? html`<img alt="${titleOf(row)}: outlines of label and prediction" src="data:image/png;base64,${Buffer.from(picture).toString('base64')}">`
    : html`<p class="muted">No picture: both are empty, or the image cannot be drawn.</p>`;
  return html`<figure>${image}<figcaption><b>${titleOf(row)}</b>${values && ` (${values})`}: Dice
${number(found && found.dice * 100, 1)} %, HD95 ${number(found?.hd95Mm, 1)} mm,
${number(found?.predictedMl, 1)} of
${number(found?.labelMl, 1)} ml</figcaption></figure>`;
}

function casesTable({ rows }: Evaluation): Html {
  const columns = [...new Set(rows.flatMap(({ groups }) => [...groups.keys()]))];
  return table(
    [
      'Case',
      ...columns,
      'Dice, %',
      'HD95, mm',
      'MSD, mm',
      'Surface Dice 1 mm, %',
      '3 mm, %',
      'Label, ml',
      'Predicted, ml',
      'Error, %',
    ],
    rows.map((row) => {
      const { measures, failure } = row.outcome;
      const one = measures?.agreement;
      return [
        failure ? html`<span class="bad">${titleOf(row)}: ${failure.code}</span>` : titleOf(row),
        ...columns.map((column) => row.groups.get(column) || NOTHING),
        number(one && one.dice * 100, 1),
        number(one?.hd95Mm, 2),
        number(one?.meanSurfaceDistanceMm, 2),
        number(one && one.surfaceDice1Mm * 100, 1),
        number(one && one.surfaceDice3Mm * 100, 1),
        number(one?.labelMl, 1),
        number(measures?.predictedMl, 1),
        number(one?.errorPercent, 1),
      ];
    }),
  );
}
