import type uPlot from 'uplot';
import { TEXTS } from '../pages/texts.ts';

/** The volume of a patient's pancreas over time; the table below holds the same numbers. */

declare global {
  interface Window {
    uPlot: typeof uPlot;
  }
}

interface Point {
  readonly studyInstanceUid: string;
  /** Null: it has none, and goes by its id. */
  readonly report: string | null;
  readonly id?: string;
  readonly date?: string;
  readonly ml: number;
  readonly corrected: boolean;
  readonly apart?: string;
}
interface Trend {
  readonly class: string;
  readonly model: { readonly name: string; readonly version: string };
  readonly person: number;
  readonly repeatabilityPercent?: number;
  readonly replaced?: true;
  readonly points: readonly Point[];
}
interface Volume {
  readonly report: { readonly sopInstanceUid: string } | null;
  readonly id?: string;
  readonly intervalMl: { readonly low: number; readonly high: number } | null;
}
interface History {
  readonly volumes: readonly Volume[];
  readonly trends: readonly Trend[];
  readonly people: number;
}

/** A point with its place on the time axis, in seconds. */
interface Placed extends Point {
  readonly at: number;
  readonly interval: Volume['intervalMl'];
}

const HEIGHT = 340;
const DAY = 86_400;
/** A single point needs some time around it. */
const LEAST_MARGIN = 60 * DAY;
/** Saisho et al. 2007: mean and standard deviation, ml. */
const REFERENCE = { mean: 72.4, sd: 25.8 } as const;
const HIT_PIXELS = 18;

async function show(figure: HTMLElement, address: string): Promise<void> {
  const response = await fetch(address);
  if (!response.ok) return;
  const history: History = await response.json();
  const place = document.createElement('div');
  place.setAttribute('role', 'img');
  place.setAttribute('aria-label', TEXTS.patient.chart);
  figure.prepend(place);
  let chart = draw(place, history, figure);
  const again = () => {
    chart?.destroy();
    chart = draw(place, history, figure);
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
  new ResizeObserver(() => {
    if (chart && place.clientWidth !== chart.width)
      chart.setSize({ width: place.clientWidth, height: HEIGHT });
  }).observe(place);
}

const nameOf = ({ report, id }: Point): string | undefined => report ?? id;

function placed(history: History, trend: Trend): Placed[] {
  const intervals = new Map(
    history.volumes.map(({ report, id, intervalMl }) => [report?.sopInstanceUid ?? id, intervalMl]),
  );
  const taken = new Set<number>();
  return trend.points.flatMap((point) =>
    point.date === undefined || point.apart === 'nothing found' || point.apart === 'withdrawn'
      ? []
      : [
          {
            ...point,
            at: freeTime(Date.parse(point.date) / 1000, taken),
            interval: point.corrected ? null : (intervals.get(nameOf(point)) ?? null),
          },
        ],
  );
}

/** Two volumes of one day stand beside each other. */
function freeTime(at: number, taken: Set<number>): number {
  let free = at;
  while (taken.has(free)) free += DAY / 2;
  taken.add(free);
  return free;
}

function draw(place: HTMLElement, history: History, figure: HTMLElement): uPlot | undefined {
  // What the model in use has measured again is on its line; the table holds both.
  const shown = history.trends.filter(({ replaced }) => !replaced);
  const lines = shown.map((trend) => ({ trend, points: placed(history, trend) }));
  const all = lines.flatMap(({ points }) => points);
  if (all.length === 0) return undefined;
  const times = [...new Set(all.map(({ at }) => at))].sort((a, b) => a - b);
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const palette = ['--chart-1', '--chart-2', '--chart-3', '--chart-4', '--chart-5', '--chart-6'].map(color);
  const colorOf = (index: number) => palette[index % palette.length] ?? '#000';
  const column = (points: readonly Placed[], wanted: (point: Placed) => boolean) =>
    times.map((at) => points.find((point) => point.at === at && wanted(point))?.ml ?? null);
  const joined = (point: Placed) => point.apart === undefined;
  const margin = Math.max(LEAST_MARGIN, ((times.at(-1) ?? 0) - (times[0] ?? 0)) * 0.06);
  const highest = Math.max(...all.map(({ ml, interval }) => Math.max(ml, interval?.high ?? 0)));
  const withReference = figure.dataset['reference'] !== undefined;
  const most = Math.max(highest, withReference ? REFERENCE.mean + 2 * REFERENCE.sd : 0) * 1.15;
  const axis = {
    stroke: color('--muted'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  };
  const titleOf = ({ class: images, model, person }: Trend) =>
    [
      images,
      `${model.name} ${model.version}`,
      ...(history.people > 1 ? [TEXTS.patient.person(person + 1)] : []),
    ].join(', ');

  const chart = new window.uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      // A day is the same day everywhere: no time zone moves it.
      tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      scales: {
        x: { time: true, range: () => [(times[0] ?? 0) - margin, (times.at(-1) ?? 0) + margin] },
        y: { range: () => [0, most] },
      },
      axes: [
        { ...axis, values: dateLabels },
        { ...axis, label: TEXTS.patient.axis, labelSize: 20, size: 50 },
      ],
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      legend: { live: false },
      series: [
        {},
        ...lines.flatMap(({ trend }, index) => [
          {
            label: titleOf(trend),
            stroke: colorOf(index),
            width: 2,
            spanGaps: true,
            points: { show: true, size: 10, fill: colorOf(index), stroke: colorOf(index) },
          },
          {
            label: `${titleOf(trend)}: ${TEXTS.patient.apartLegend}`,
            stroke: colorOf(index),
            width: 0,
            points: { show: true, size: 10, fill: color('--surface'), stroke: colorOf(index), width: 2 },
          },
        ]),
      ],
      hooks: {
        drawClear: [
          (plot) => {
            if (withReference) {
              const { mean, sd } = REFERENCE;
              band(plot, mean - 2 * sd, mean + 2 * sd, color('--reference'));
            }
            for (const [index, { trend, points }] of lines.entries()) {
              const first = points.find(joined);
              if (!first || trend.repeatabilityPercent === undefined) continue;
              const by = (first.ml * trend.repeatabilityPercent) / 100;
              band(plot, first.ml - by, first.ml + by, `${colorOf(index)}22`);
            }
          },
        ],
        draw: [
          (plot) => {
            for (const [index, { points }] of lines.entries()) drawIntervals(plot, points, colorOf(index));
          },
        ],
        ready: [
          (plot) => {
            const target = (event: MouseEvent) => nearest(plot, all, event.offsetX, event.offsetY);
            plot.over.addEventListener('mousemove', (event) => {
              const point = target(event);
              plot.over.classList.toggle('hit', point !== undefined);
              plot.over.title = point ? `${point.date}: ${point.ml.toFixed(1)} ml` : '';
            });
            plot.over.addEventListener('click', (event) => {
              const point = target(event);
              if (!point) return;
              const { studyInstanceUid } = point;
              location.href = `${figure.dataset['studies']}${studyInstanceUid}?result=${nameOf(point)}`;
            });
          },
        ],
      },
    },
    [
      times,
      ...lines.flatMap(({ points }) => [column(points, joined), column(points, (point) => !joined(point))]),
    ],
    place,
  );
  hideEmpty(chart);
  return chart;
}

/** Legends of series without a point say nothing. */
function hideEmpty(chart: uPlot): void {
  const rows = [...chart.root.querySelectorAll('.u-legend .u-series')];
  for (const [index, row] of rows.entries()) {
    // The time axis has no row of its own.
    const values = [...(chart.data[index + chart.series.length - rows.length] ?? [])];
    if (values.every((value) => value === null)) row.remove();
  }
}

/** Days within a span of months, months within years, else years: no label twice. */
function dateLabels(_plot: uPlot, splits: number[]): string[] {
  const span = (splits.at(-1) ?? 0) - (splits[0] ?? 0);
  const digits = span > 2 * 365 * DAY && splits.length > 0 ? 7 : span > 90 * DAY ? 7 : 10;
  return splits.map((at) => new Date(at * 1000).toISOString().slice(0, digits));
}

function band(plot: uPlot, low: number, high: number, color: string): void {
  const { ctx, bbox } = plot;
  const top = plot.valToPos(high, 'y', true);
  const bottom = plot.valToPos(Math.max(0, low), 'y', true);
  ctx.save();
  ctx.fillStyle = color;
  ctx.fillRect(bbox.left, Math.max(bbox.top, top), bbox.width, bottom - Math.max(bbox.top, top));
  ctx.restore();
}

/** A bar from the least to the greatest volume that the probabilities leave open. */
function drawIntervals(plot: uPlot, points: readonly Placed[], color: string): void {
  const { ctx } = plot;
  const cap = 5 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  for (const { at, interval } of points) {
    if (!interval) continue;
    const x = plot.valToPos(at, 'x', true);
    const [low, high] = [plot.valToPos(interval.low, 'y', true), plot.valToPos(interval.high, 'y', true)];
    ctx.moveTo(x, low);
    ctx.lineTo(x, high);
    for (const y of [low, high]) {
      ctx.moveTo(x - cap, y);
      ctx.lineTo(x + cap, y);
    }
  }
  ctx.stroke();
  ctx.restore();
}

function nearest(plot: uPlot, points: readonly Placed[], x: number, y: number): Placed | undefined {
  const distance = ({ at, ml }: Placed) => Math.hypot(plot.valToPos(at, 'x') - x, plot.valToPos(ml, 'y') - y);
  const [best] = points.toSorted((a, b) => distance(a) - distance(b));
  return best && distance(best) <= HIT_PIXELS ? best : undefined;
}

const figure = document.querySelector<HTMLElement>('[data-volumes]');
if (figure?.dataset['volumes']) void show(figure, figure.dataset['volumes']);
