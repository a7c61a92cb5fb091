import type { SKRSContext2D } from '@napi-rs/canvas';
import { dayOf } from '../results/dates.ts';
import type { Box } from './draw-view.ts';
import { dateLabel } from './page-facts.ts';
import type { EarlierVolume } from './picture-input.ts';
import type { TextPainter } from './text.ts';

const INK = '#1c1c1c';
const GREY = '#6b6b6b';
const GRID = '#d9d9d9';
const NOW = '#b26a00'; // amber, dark enough on white

const LABEL_SIZE = 7.5;
const LABEL_GAP = 2;
const AXIS_WIDTH = 26;
const DATE_HEIGHT = 14;
/** Steps of the volume axis in ml; the least that needs no more than `MAX_STEPS` lines. */
const STEPS = [10, 20, 25, 50, 100, 200, 500, 1000] as const;
const MAX_STEPS = 5;

interface Point extends EarlierVolume {
  readonly day: number;
  readonly now: boolean;
}

/**
 * Volumes over time, from zero on, so that heights may be compared. Comparable ones are joined; the others
 * are hollow. A volume without a date is not shown.
 */
export function drawTrend(
  ctx: SKRSContext2D,
  text: TextPainter,
  earlier: readonly EarlierVolume[],
  current: EarlierVolume | undefined,
  box: Box,
): void {
  const points = [
    ...earlier.map((one) => ({ ...one, now: false })),
    ...(current ? [{ ...current, now: true }] : []),
  ]
    .flatMap((one): Point[] => {
      const day = dayOf(one.date);
      return day === undefined ? [] : [{ ...one, day }];
    })
    .sort((a, b) => a.day - b.day);
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return;

  const most = Math.max(...points.map(({ volumeMl }) => volumeMl)) * 1.1;
  const step = STEPS.find((one) => most / one <= MAX_STEPS) ?? 1000;
  const top = Math.max(step, Math.ceil(most / step) * step);
  const plot = {
    x: box.x + AXIS_WIDTH,
    y: box.y + LABEL_SIZE,
    width: box.width - AXIS_WIDTH - 30,
    height: box.height - DATE_HEIGHT - LABEL_SIZE,
  };
  const days = Math.max(1, last.day - first.day);
  const xOf = ({ day }: Point): number =>
    first === last ? plot.x + plot.width / 2 : plot.x + 14 + ((day - first.day) / days) * (plot.width - 14);
  const yOf = (ml: number): number => plot.y + plot.height * (1 - ml / top);

  drawGrid(ctx, text, plot, step, top, yOf);
  const joined = points.filter(({ comparable }) => comparable);
  ctx.beginPath();
  for (const point of joined) ctx.lineTo(xOf(point), yOf(point.volumeMl));
  ctx.strokeStyle = INK;
  ctx.lineWidth = 1;
  ctx.stroke();
  // The current volume and its date are always written; the others where there is room, comparable ones
  // first.
  const taken: Record<'volumes' | 'dates', [number, number][]> = { volumes: [], dates: [] };
  for (const point of points.toSorted((a, b) => rank(a) - rank(b))) {
    const [x, y] = [xOf(point), yOf(point.volumeMl)];
    drawPoint(ctx, x, y, point);
    const style = { size: LABEL_SIZE, bold: point.now, align: 'center', rim: '#ffffff' } as const;
    const write = (row: keyof typeof taken, label: string, baseline: number, color: string): void => {
      const half = text.width(label, { ...style, color }) / 2 + LABEL_GAP;
      if (taken[row].some(([start, end]) => x - half < end && x + half > start)) return;
      taken[row].push([x - half, x + half]);
      text.draw(label, x, baseline, { ...style, color });
    };
    write('volumes', point.volumeMl.toFixed(1), y - 5.5, point.now ? NOW : INK);
    write(
      'dates',
      dateLabel(point.date) ?? '',
      plot.y + plot.height + DATE_HEIGHT - 4,
      point.now ? NOW : GREY,
    );
  }
}

const rank = ({ now, comparable }: Point): number => (now ? 0 : comparable ? 1 : 2);

function drawGrid(
  ctx: SKRSContext2D,
  text: TextPainter,
  plot: Box,
  step: number,
  top: number,
  yOf: (ml: number) => number,
): void {
  for (let ml = 0; ml <= top; ml += step) {
    ctx.beginPath();
    ctx.moveTo(plot.x, yOf(ml));
    ctx.lineTo(plot.x + plot.width + 30, yOf(ml));
    ctx.strokeStyle = ml === 0 ? GREY : GRID;
    ctx.lineWidth = 0.5;
    ctx.stroke();
    const label = ml === top ? `${ml} ml` : String(ml);
    text.draw(label, plot.x - 4, yOf(ml) + LABEL_SIZE * 0.35, {
      size: LABEL_SIZE,
      color: GREY,
      align: 'right',
    });
  }
}

function drawPoint(ctx: SKRSContext2D, x: number, y: number, { comparable, now }: Point): void {
  ctx.beginPath();
  ctx.arc(x, y, now ? 3.2 : 2.4, 0, 2 * Math.PI);
  ctx.fillStyle = now ? NOW : comparable ? INK : '#ffffff';
  ctx.fill();
  ctx.strokeStyle = now ? NOW : comparable ? INK : GREY;
  ctx.lineWidth = 0.8;
  ctx.stroke();
}
