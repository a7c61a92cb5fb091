import { type Html, html } from '../../http/html.ts';
import type { BlandAltman } from '../statistics/bland-altman.ts';
import { describe } from '../statistics/describe.ts';
import { axisOf, BOTTOM, frame, LEFT, RIGHT, svg, TOP } from './axis.ts';

/** Values that are drawn together, in one colour. */
export interface Series {
  readonly title: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly title: string }[];
}

export interface Box {
  readonly title: string;
  readonly values: readonly number[];
}

const at = (value: number): string => value.toFixed(1);

/** Colours repeat after six; shapes of the marks don't matter then. */
const COLOURS = 6;

/**
 * Quartiles as a box with the median in it, whiskers to the last values within 1.5 boxes (Tukey), and every
 * value as a dot.
 */
export function boxPlots(boxes: readonly Box[], yTitle: string): Html | undefined {
  const filled = boxes.filter(({ values }) => values.length > 0);
  if (filled.length === 0) return undefined;
  const y = axisOf(
    filled.flatMap(({ values }) => values),
    BOTTOM,
    TOP,
  );
  const width = (RIGHT - LEFT) / filled.length;
  const drawn = filled.map(({ title, values }, i) => {
    const middle = LEFT + width * (i + 0.5);
    const half = Math.min(28, width * 0.28);
    const { firstQuartile, thirdQuartile, median } = describe(values);
    const [low, high, centre] = [firstQuartile ?? 0, thirdQuartile ?? 0, median ?? 0];
    const reach = 1.5 * (high - low);
    const within = values.filter((value) => value >= low - reach && value <= high + reach);
    const [top, bottom] = [y.place(high), y.place(low)];
    const dots = values.map((value, index) => {
      // Spread by a fixed pattern, so that the same values give the same picture.
      const aside = (((index * 0.618) % 1) - 0.5) * half * 1.2;
      return html`<circle class="dot" cx="${at(middle + aside)}" cy="${at(y.place(value))}" r="2"/>`;
    });
    const label = title.length > 16 ? `${title.slice(0, 15)}…` : title;
    return html`<g class="series-${(i % COLOURS) + 1}">${dots}
<line class="mark" x1="${at(middle)}" x2="${at(middle)}" y1="${at(y.place(Math.max(...within)))}" y2="${at(top)}"/>
<line class="mark" x1="${at(middle)}" x2="${at(middle)}" y1="${at(bottom)}" y2="${at(y.place(Math.min(...within)))}"/>
<rect class="box" x="${at(middle - half)}" width="${at(2 * half)}" y="${at(top)}" height="${at(bottom - top)}"/>
<line class="median" x1="${at(middle - half)}" x2="${at(middle + half)}" y1="${at(y.place(centre))}" y2="${at(y.place(centre))}"/></g>
<text x="${at(middle)}" y="${BOTTOM + 16}" text-anchor="middle">${label}</text>`;
  });
  return svg(`Box plots: ${yTitle}`, [frame(y, yTitle, undefined, ''), ...drawn]);
}

/** Predicted against labelled volumes, with the line on which they are equal. */
export function scatterPlot(series: readonly Series[]): Html | undefined {
  const values = series.flatMap(({ points }) => points.flatMap(({ x, y }) => [x, y]));
  if (values.length === 0) return undefined;
  const x = axisOf([0, ...values], LEFT, RIGHT);
  const y = axisOf([0, ...values], BOTTOM, TOP);
  const [low, high] = [x.low, x.high];
  const line = html`<line class="equal" x1="${at(x.place(low))}" y1="${at(y.place(low))}" x2="${at(x.place(high))}" y2="${at(y.place(high))}"/>`;
  return svg('Predicted against labelled volumes', [
    frame(y, 'predicted volume, ml', x, 'labelled volume, ml'),
    line,
    ...dotsOf(series, x.place, y.place),
  ]);
}

/**
 * Differences against means (Bland and Altman 1986), with bias and limits of agreement.
 * @param difference what is subtracted from what, in words
 */
export function blandAltmanPlot(
  series: readonly Series[],
  found: BlandAltman,
  difference = 'predicted less labelled, ml',
): Html | undefined {
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return undefined;
  const { bias, lowerLimit, upperLimit } = found;
  const x = axisOf(
    all.map((point) => point.x),
    LEFT,
    RIGHT,
  );
  const bands = [found.biasInterval, found.lowerLimitInterval, found.upperLimitInterval];
  const y = axisOf(
    [...all.map((point) => point.y), ...bands.flatMap(({ low, high }) => [low, high])],
    BOTTOM,
    TOP,
  );
  const areas = bands.map(
    ({ low, high }) =>
      html`<rect class="band" x="${LEFT}" width="${RIGHT - LEFT}" y="${at(y.place(high))}" height="${at(y.place(low) - y.place(high))}"/>`,
  );
  const lines = [bias, lowerLimit, upperLimit].map((value, i) => {
    const height = at(y.place(value));
    const name = i === 0 ? 'bias' : '';
    return html`<line class="${i === 0 ? 'bias' : 'limit'}" x1="${LEFT}" x2="${RIGHT}" y1="${height}" y2="${height}"/>
<text x="${RIGHT - 3}" y="${at(y.place(value) - 4)}" text-anchor="end">${name} ${value.toFixed(1)}</text>`;
  });
  return svg('Bland-Altman plot of the volumes', [
    frame(y, difference, x, 'mean of both, ml'),
    ...areas,
    ...dotsOf(series, x.place, y.place),
    ...lines,
  ]);
}

function dotsOf(
  series: readonly Series[],
  x: (value: number) => number,
  y: (value: number) => number,
): Html[] {
  return series.map(({ points }, i) => {
    const dots = points.map(
      (point) =>
        html`<circle class="point" cx="${at(x(point.x))}" cy="${at(y(point.y))}" r="3"><title>${point.title}</title></circle>`,
    );
    return html`<g class="series-${(i % COLOURS) + 1}">${dots}</g>`;
  });
}

/** What the colours stand for; nothing where there is only one. */
export function legend(series: readonly { readonly title: string }[]): Html | undefined {
  if (series.length < 2) return undefined;
  const items = series.map(
    ({ title }, i) => html`<span class="series-${(i % COLOURS) + 1}"><i></i>${title}</span>`,
  );
  return html`<p class="legend">${items}</p>`;
}
