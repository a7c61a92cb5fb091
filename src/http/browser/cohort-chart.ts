import type uPlot from 'uplot';
import { COHORT_TEXTS as T } from '../pages/cohort-texts.ts';

/** How the volumes of the cohort are distributed, and how they lie against age, thickness or scanner. */

declare global {
  interface Window {
    uPlot: typeof uPlot;
  }
}

interface Point {
  readonly ml: number;
  readonly ageYears: number | null;
  readonly thicknessMm: number | null;
  readonly scanner: string;
  readonly studyInstanceUid: string;
  readonly report: string;
}
interface Points {
  readonly binMl: number;
  readonly bins: readonly { readonly bin: number; readonly volumes: number }[];
  readonly points: readonly Point[];
}
type Against = keyof typeof T.axes;

const HEIGHT = 300;
const HIT_PIXELS = 12;
/** More names would not fit beside each other. */
const MOST_SCANNERS = 6;
const NAME_CHARACTERS = 14;

async function show(section: HTMLElement, address: string): Promise<void> {
  const response = await fetch(address);
  if (!response.ok) return;
  const cohort: Points = await response.json();
  const distribution = figureOf(section, T.distribution, T.distributionLabel);
  const scatter = figureOf(section, T.scatter, T.scatterLabel);
  const choice = document.createElement('select');
  choice.setAttribute('aria-label', T.scatter);
  choice.append(...Object.entries(T.axes).map(([value, name]) => new Option(name, value)));
  scatter.caption.append(' ', choice);
  const studies = section.dataset['studies'] ?? '';
  let charts: (uPlot | undefined)[] = [];
  const draw = () => {
    for (const chart of charts) chart?.destroy();
    const against = Object.keys(T.axes).find((one): one is Against => one === choice.value) ?? 'age';
    charts = [drawBins(distribution.place, cohort), drawPoints(scatter.place, cohort, against, studies)];
  };
  draw();
  choice.addEventListener('change', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  new ResizeObserver(() => {
    for (const [index, { place }] of [distribution, scatter].entries())
      if (charts[index] && place.clientWidth !== charts[index].width)
        charts[index].setSize({ width: place.clientWidth, height: HEIGHT });
  }).observe(section);
}

function figureOf(section: HTMLElement, title: string, label: string) {
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.textContent = title;
  const place = document.createElement('div');
  place.setAttribute('role', 'img');
  place.setAttribute('aria-label', label);
  figure.append(caption, place);
  section.append(figure);
  return { caption, place };
}

const color = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const axis = () => ({
  stroke: color('--muted'),
  grid: { stroke: color('--line'), width: 1 },
  ticks: { show: false },
});

const COMMON = {
  height: HEIGHT,
  legend: { show: false },
  cursor: { drag: { x: false, y: false }, points: { show: false }, x: false, y: false },
} as const;

function drawBins(place: HTMLElement, { bins, binMl }: Points): uPlot {
  const last = bins.at(-1)?.bin ?? 0;
  const counts = new Map(bins.map(({ bin, volumes }) => [bin, volumes]));
  const numbers = Array.from({ length: last + 1 }, (_, bin) => bin);
  const bars = window.uPlot.paths.bars?.({ align: 1, size: [1, Number.POSITIVE_INFINITY] });
  return new window.uPlot(
    {
      ...COMMON,
      width: place.clientWidth,
      scales: {
        x: { time: false, range: () => [0, (last + 1) * binMl] },
        y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] },
      },
      axes: [
        { ...axis(), label: T.ml, labelSize: 20 },
        {
          ...axis(),
          label: T.volumes,
          labelSize: 20,
          size: 50,
          // Half a volume there is none.
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5],
        },
      ],
      series: [
        {},
        {
          fill: color('--chart-1'),
          stroke: color('--surface'),
          width: 1,
          ...(bars ? { paths: bars } : {}),
          points: { show: false },
        },
      ],
    },
    [numbers.map((bin) => bin * binMl), numbers.map((bin) => counts.get(bin) ?? 0)],
    place,
  );
}

interface Placed extends Point {
  readonly at: number;
}

/** Where each point stands on the axis, from left to right; those of which it is not known are left out. */
function placed(points: readonly Point[], against: Against, names: readonly string[]): Placed[] {
  const placeOf = (point: Point, index: number): number | null => {
    if (against === 'age') return point.ageYears;
    if (against === 'thickness') return point.thicknessMm;
    // Beside each other, so that they don't hide each other.
    const spread = (((index * 0.618) % 1) - 0.5) * 0.6;
    return names.indexOf(nameOf(point, names)) + spread;
  };
  return points
    .flatMap((point, index) => {
      const at = placeOf(point, index);
      return at === null ? [] : [{ ...point, at }];
    })
    .sort((a, b) => a.at - b.at);
}

/** Those with the most volumes, and the rest together. */
function scannersOf(points: readonly Point[]): string[] {
  const counts = new Map<string, number>();
  for (const { scanner } of points) counts.set(scanner, (counts.get(scanner) ?? 0) + 1);
  const names = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
  return names.length <= MOST_SCANNERS ? names : [...names.slice(0, MOST_SCANNERS - 1), T.other];
}

const nameOf = ({ scanner }: Point, names: readonly string[]): string =>
  names.includes(scanner) ? scanner : T.other;

function drawPoints(
  place: HTMLElement,
  cohort: Points,
  against: Against,
  studies: string,
): uPlot | undefined {
  const names = scannersOf(cohort.points);
  const points = placed(cohort.points, against, names);
  place.textContent = points.length === 0 ? T.noPoints : '';
  if (points.length === 0) return undefined;
  const label = (name: string) => {
    const known = name || T.unknownScanner;
    return known.length > NAME_CHARACTERS ? `${known.slice(0, NAME_CHARACTERS - 1)}…` : known;
  };
  const byName = against === 'scanner';
  const [least, most] = byName ? [-0.5, names.length - 0.5] : [points[0]?.at ?? 0, points.at(-1)?.at ?? 0];
  const margin = byName ? 0 : Math.max(0.5, (most - least) * 0.05);
  return new window.uPlot(
    {
      ...COMMON,
      width: place.clientWidth,
      scales: {
        x: { time: false, range: () => [Math.max(byName ? least : 0, least - margin), most + margin] },
        y: { range: (_plot, _low, high) => [0, high * 1.1] },
      },
      axes: [
        {
          ...axis(),
          label: T.axes[against],
          labelSize: 20,
          ...(byName
            ? {
                splits: () => names.map((_, index) => index),
                values: (_plot: uPlot, splits: number[]) => splits.map((at) => label(names[at] ?? '')),
              }
            : {}),
        },
        { ...axis(), label: T.ml, labelSize: 20, size: 50 },
      ],
      series: [
        {},
        {
          stroke: color('--chart-1'),
          paths: () => null,
          points: { show: true, size: 6, width: 0, fill: `${color('--chart-1')}99`, space: 0 },
        },
      ],
      hooks: {
        ready: [
          (plot) => {
            const target = (event: MouseEvent) => nearest(plot, points, event.offsetX, event.offsetY);
            plot.over.addEventListener('mousemove', (event) => {
              const point = target(event);
              plot.over.classList.toggle('hit', point !== undefined);
              plot.over.title = point ? `${point.ml.toFixed(1)} ml` : '';
            });
            plot.over.addEventListener('click', (event) => {
              const point = target(event);
              if (point) location.href = `${studies}${point.studyInstanceUid}?result=${point.report}`;
            });
          },
        ],
      },
    },
    [points.map(({ at }) => at), points.map(({ ml }) => ml)],
    place,
  );
}

function nearest(plot: uPlot, points: readonly Placed[], x: number, y: number): Placed | undefined {
  let best: Placed | undefined;
  let least = HIT_PIXELS;
  for (const point of points) {
    const distance = Math.hypot(plot.valToPos(point.at, 'x') - x, plot.valToPos(point.ml, 'y') - y);
    if (distance > least) continue;
    best = point;
    least = distance;
  }
  return best;
}

const section = document.querySelector<HTMLElement>('[data-points]');
if (section?.dataset['points']) void show(section, section.dataset['points']);
