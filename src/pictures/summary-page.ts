import type { SKRSContext2D } from '@napi-rs/canvas';
import { text as attribute } from '../dicom/reading/dataset.ts';
import { sourceHeader } from '../results/result-context.ts';
import { type Box, drawView, OUTLINE_COLOR, type ViewPicture } from './draw-view.ts';
import { dateLabel, type PageFacts } from './page-facts.ts';
import type { EarlierVolume, PicturedMeasurement, PictureInput } from './picture-input.ts';
import { lineHeight, TextPainter, type TextStyle } from './text.ts';
import { drawTrend } from './trend-chart.ts';

/** A4 across, in points of 1/72 inch: fills screens better than a page upright. */
export const PAGE = { width: 842, height: 595 } as const;

const MARGIN = 32;
const HEADER_HEIGHT = 74;
const FOOTER_TOP = 545;
const FOOTER_RIGHT = 190;
const COLUMN = { x: MARGIN, width: 350 } as const;
const PICTURES = {
  x: MARGIN + COLUMN.width + 24,
  width: PAGE.width - 2 * MARGIN - COLUMN.width - 24,
} as const;

const INK = '#1c1c1c';
const GREY = '#5c5c5c';
const RULE = '#c4c4c4';
const WARNING = '#9a3b00';

const NORMAL: TextStyle = { size: 9, color: INK };
const SMALL: TextStyle = { size: 7.5, color: GREY };
const HEADING: TextStyle = { size: 8, color: GREY, bold: true };
/** Older ones are counted, not listed: the chart shows them. */
const LISTED_VOLUMES = 6;
/** A lower chart could not be read. */
const LEAST_CHART = 60;
/** Tissue around the organ in the pictures. */
const CONTEXT_MM = 35;

/** What the page shows beside the facts of its input. */
export interface SummaryContent {
  readonly facts: PageFacts;
  /** In the order axial, coronal, sagittal; empty where nothing was found. */
  readonly pictures: readonly ViewPicture[];
  /** Beside the pictures. */
  readonly windowLabel: string;
  /** When the result was made, as people write it. */
  readonly made: string;
  /** Of images on the page, per point. */
  readonly pixelsPerUnit: number;
}

/** Draws the summary of one result on a page of size `PAGE`: the same for a screen and for a PDF. */
export function drawSummary(ctx: SKRSContext2D, input: PictureInput, content: SummaryContent): void {
  const text = new TextPainter(ctx, content.facts.forms);
  ctx.fillStyle = '#ffffff';
  ctx.fillRect(0, 0, PAGE.width, PAGE.height);
  drawHeader(ctx, text, content.facts);
  const bottom = drawResult(ctx, text, input);
  drawHistory(ctx, text, input, bottom);
  if (content.pictures.length > 0) drawPictures(ctx, text, content);
  drawFooter(ctx, text, content);
}

function drawHeader(ctx: SKRSContext2D, text: TextPainter, facts: PageFacts): void {
  const half = (PAGE.width - 2 * MARGIN) / 2 - 10;
  const names = facts.names.length > 0 ? facts.names : ['(no name)'];
  let y = MARGIN + 14;
  for (const [index, name] of names.entries()) {
    text.drawWhole(name, MARGIN, y, half, { size: index === 0 ? 15 : 13, color: INK, bold: index === 0 });
    y += 17;
  }
  text.draw(facts.patient, MARGIN, y - 3, { ...NORMAL, color: GREY, maxWidth: half });

  const right = PAGE.width - MARGIN;
  const style = { ...NORMAL, color: GREY, align: 'right', maxWidth: half } as const;
  text.draw('Pancreas volume', right, MARGIN + 14, { ...style, size: 15, color: INK, bold: true });
  text.draw(facts.study, right, MARGIN + 30, { ...style, color: INK });
  const lines = [facts.studyDescription, facts.series].filter(Boolean);
  for (const [index, line] of lines.entries()) text.draw(line, right, MARGIN + 43 + 13 * index, style);
  rule(ctx, MARGIN + HEADER_HEIGHT - 8);
}

/** Volume, changes and remarks; gives back where the next block may begin. */
function drawResult(ctx: SKRSContext2D, text: TextPainter, input: PictureInput): number {
  const { x, width } = COLUMN;
  let y = MARGIN + HEADER_HEIGHT + 10;
  const paragraph = (words: string, style: TextStyle): void => {
    y = text.drawWrapped(words, x, y, width, style);
  };
  const { measurement } = input;
  if (measurement) {
    y += 30;
    const drawn = text.draw(measurement.volumeMl.toFixed(1), x, y, { size: 42, color: INK, bold: true });
    text.draw('ml', x + drawn + 7, y, { size: 20, color: INK });
    y += 18;
    for (const line of measurementLines(measurement, isCt(input)))
      paragraph(line, { ...NORMAL, color: GREY });
  } else {
    y += 12;
    paragraph('No pancreas was found', { size: 18, color: INK, bold: true });
    paragraph('No volume was measured.', NORMAL);
  }
  y += 3;
  for (const change of input.changes) paragraph(change, NORMAL);
  for (const note of input.notes) paragraph(note, SMALL);
  if (input.remarks.length > 0) {
    y += 6;
    paragraph('Please note', { ...HEADING, color: WARNING });
    for (const remark of input.remarks) {
      ctx.fillStyle = WARNING;
      ctx.fillRect(x, y - 6, 2, 7.5);
      y = text.drawWrapped(remark, x + 8, y, width - 8, NORMAL);
    }
  }
  return y + 6;
}

function measurementLines(measurement: PicturedMeasurement, ct: boolean): string[] {
  const { volumeIntervalMl: interval, meanIntensity, sdIntensity } = measurement;
  return [
    ...(interval ? [`between ${interval.low.toFixed(1)} and ${interval.high.toFixed(1)} ml`] : []),
    ...(ct && meanIntensity !== undefined && sdIntensity !== undefined
      ? [`Mean attenuation ${meanIntensity.toFixed(1)} HU, standard deviation ${sdIntensity.toFixed(1)} HU`]
      : []),
  ];
}

/** Only CT numbers mean the same on every scanner. */
export function isCt({ context }: PictureInput): boolean {
  return attribute(sourceHeader(context.series), 'Modality') === 'CT';
}

/** Chart and list of the volumes so far, in what is left of the column. */
function drawHistory(ctx: SKRSContext2D, text: TextPainter, input: PictureInput, top: number): void {
  const { earlier, measurement, context } = input;
  if (earlier.length === 0) return;
  const listed = earlier.toSorted((a, b) => (a.date < b.date ? 1 : -1)).slice(0, LISTED_VOLUMES);
  const listHeight = (listed.length + (earlier.length > listed.length ? 1 : 0)) * lineHeight(NORMAL) + 16;
  const listTop = FOOTER_TOP - listHeight - 4;
  const date = attribute(sourceHeader(context.series), 'StudyDate') ?? '';
  const chart = { x: COLUMN.x, y: top + 6, width: COLUMN.width, height: listTop - top - 22 };
  if (chart.height >= LEAST_CHART) {
    const now = measurement && { date, volumeMl: measurement.volumeMl, comparable: true };
    drawTrend(ctx, text, earlier, now, { ...chart, height: Math.min(chart.height, 170) });
  }
  drawList(text, listed, earlier.length - listed.length, listTop);
}

function drawList(text: TextPainter, listed: readonly EarlierVolume[], more: number, top: number): void {
  let y = top + 10;
  text.draw('Earlier volumes', COLUMN.x, y, HEADING);
  for (const { date, volumeMl, comparable } of listed) {
    y += lineHeight(NORMAL);
    text.draw(dateLabel(date) ?? '', COLUMN.x, y, NORMAL);
    text.draw(`${volumeMl.toFixed(1)} ml`, COLUMN.x + 110, y, { ...NORMAL, align: 'right' });
    if (comparable) continue;
    text.draw('another model or modality: not comparable', COLUMN.x + 122, y, { ...NORMAL, color: GREY });
  }
  if (more > 0) text.draw(`and ${more} older`, COLUMN.x, y + lineHeight(NORMAL), { ...NORMAL, color: GREY });
}

function drawPictures(
  ctx: SKRSContext2D,
  text: TextPainter,
  { pictures, windowLabel, pixelsPerUnit }: SummaryContent,
): void {
  const gap = 6;
  const top = MARGIN + HEADER_HEIGHT;
  const height = FOOTER_TOP - 18 - top;
  const large = Math.round(height * 0.58);
  const half = (PICTURES.width - gap) / 2;
  const below = { y: top + large + gap, width: half, height: height - large - gap };
  const boxes: readonly Box[] = [
    { x: PICTURES.x, y: top, width: PICTURES.width, height: large },
    { x: PICTURES.x, ...below },
    { x: PICTURES.x + half + gap, ...below },
  ];
  for (const [index, picture] of pictures.entries()) {
    const box = boxes[index];
    if (!box) continue;
    drawView(ctx, text, picture, box, { marginMm: CONTEXT_MM, letterSize: 8, pixelsPerUnit });
    const style = { size: 7.5, color: OUTLINE_COLOR, rim: '#000000' };
    text.draw(picture.view.name, box.x + 5, box.y + 11, style);
  }
  const legend = `${windowLabel}. The outline is the border of the segmented voxels.`;
  text.draw(legend, PICTURES.x, FOOTER_TOP - 7, { ...SMALL, maxWidth: PICTURES.width });
}

function drawFooter(ctx: SKRSContext2D, text: TextPainter, { facts, made }: SummaryContent): void {
  rule(ctx, FOOTER_TOP);
  const width = PAGE.width - 2 * MARGIN - FOOTER_RIGHT;
  const warning = { ...NORMAL, bold: true, color: WARNING };
  const restrictions = facts.restrictions.join(' ');
  const y = text.drawWrapped(restrictions, MARGIN, FOOTER_TOP + 14, width, warning);
  text.draw(`${facts.model}, ${facts.weights}`, MARGIN, y, { ...SMALL, maxWidth: width });
  const right = { ...SMALL, align: 'right' } as const;
  text.draw('Automatic measurement, not verified by a reader.', PAGE.width - MARGIN, FOOTER_TOP + 14, right);
  text.draw(`Made ${made}`, PAGE.width - MARGIN, FOOTER_TOP + 26, right);
}

function rule(ctx: SKRSContext2D, y: number): void {
  ctx.beginPath();
  ctx.moveTo(MARGIN, y);
  ctx.lineTo(PAGE.width - MARGIN, y);
  ctx.strokeStyle = RULE;
  ctx.lineWidth = 0.7;
  ctx.stroke();
}
