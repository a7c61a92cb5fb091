import { type Html, html } from '../../http/html.ts';

/** Where a value lies on a plot, and the values that are written beside it. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  readonly digits: number;
  /** In units of the drawing. */
  readonly place: (value: number) => number;
}

const STEPS = [1, 2, 2.5, 5, 10] as const;
/** About so many steps. */
const WANTED = 5;

/** An axis of round numbers around values, from `start` to `end` on the drawing. */
export function axisOf(values: readonly number[], start: number, end: number): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const span = most - least > 0 ? most - least : Math.max(1, Math.abs(most) * 0.1);
  const power = 10 ** Math.floor(Math.log10(span / WANTED));
  const step = power * (STEPS.find((one) => span / (one * power) <= WANTED) ?? 10);
  const low = Math.floor(least / step) * step;
  const high = Math.max(low + step, Math.ceil(most / step) * step);
  const count = Math.round((high - low) / step);
  return {
    low,
    high,
    ticks: Array.from({ length: count + 1 }, (_, i) => low + i * step),
    digits: Math.max(0, -Math.floor(Math.log10(step)) + (Number.isInteger(step / power) ? 0 : 1)),
    place: (value) => start + ((value - low) / (high - low)) * (end - start),
  };
}

const WIDTH = 460;
const HEIGHT = 320;
export const LEFT = 56;
export const RIGHT = WIDTH - 14;
export const TOP = 14;
export const BOTTOM = HEIGHT - 46;

const at = (value: number): string => value.toFixed(1);

/** The frame of a plot with values up its left side, and along its foot where there is an axis for them. */
export function frame(y: Axis, yTitle: string, x: Axis | undefined, xTitle: string): Html {
  const rows = y.ticks.map((tick) => {
    const height = at(y.place(tick));
    return html`<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${height}" y2="${height}"/>
<text x="${LEFT - 6}" y="${height}" dy=".35em" text-anchor="end">${tick.toFixed(y.digits)}</text>`;
  });
  const columns = (x?.ticks ?? []).map((tick) => {
    const place = at(x?.place(tick) ?? 0);
    return html`<line class="grid" y1="${TOP}" y2="${BOTTOM}" x1="${place}" x2="${place}"/>
<text x="${place}" y="${BOTTOM + 16}" text-anchor="middle">${tick.toFixed(x?.digits ?? 0)}</text>`;
  });
  return html`${rows}${columns}
<text x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${xTitle}</text>
<text transform="translate(13 ${(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${yTitle}</text>`;
}

export function svg(label: string, content: readonly Html[]): Html {
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${content}</svg>`;
}
