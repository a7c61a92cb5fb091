import { type Canvas, createCanvas, ImageData, type SKRSContext2D } from '@napi-rs/canvas';
import type { Volume } from '../dicom/volume.ts';
import { type GreyWindow, toGrey } from './grey-window.ts';
import { type BorderSegment, outline } from './outline.ts';
import type { TextPainter } from './text.ts';
import { length, orientationLetters, scaled, type View, viewPixels } from './views.ts';

/** In units of the canvas. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A view, ready to be drawn. */
export interface ViewPicture {
  readonly view: View;
  /** RGBA, row by row. */
  readonly grey: Uint8ClampedArray;
  readonly border: readonly BorderSegment[];
}

/** As the SEG's recommended colour: amber, clear on grey images and told from them by the colour-blind. */
export const OUTLINE_COLOR = '#ffb000';
export const LABEL_COLOR = '#e8e8e8';
const RIM_COLOR = '#000000';

export function viewPicture(view: View, volume: Volume, mask: Uint8Array, window: GreyWindow): ViewPicture {
  const inside = viewPixels(mask, view);
  return {
    view,
    grey: toGrey(viewPixels(volume.voxels, view), window),
    border: outline(inside, view.width, view.height),
  };
}

export interface ViewStyle {
  /** Show the organ with so many mm around it; left out: the whole plane. */
  readonly marginMm?: number;
  /** Height of letters, in units of the canvas. */
  readonly letterSize: number;
  /** So finely the image is drawn; not every PDF reader smoothes an image of few pixels. */
  readonly pixelsPerUnit: number;
}

/** Where a view came to lie on the canvas. */
export interface Placement {
  /** Of the canvas, per unit. */
  readonly mmPerUnit: number;
  /** The place of a point in the view's pixels; pixel (i, j) covers from (i, j) to (i + 1, j + 1). */
  readonly place: (i: number, j: number) => readonly [x: number, y: number];
}

/**
 * Draws a view into a box: as large as it fits, in true proportions, with the organ's outline, orientation
 * letters at all edges and a scale bar.
 */
export function drawView(
  ctx: SKRSContext2D,
  text: TextPainter,
  { view, grey, border }: ViewPicture,
  box: Box,
  { marginMm, letterSize, pixelsPerUnit }: ViewStyle,
): Placement {
  const [mmPerColumn, mmPerRow] = [length(view.right), length(view.down)];
  const part = marginMm === undefined ? wholeOf(view) : aroundOrgan(view, border, marginMm, box);
  const scale = Math.min(box.width / (part.width * mmPerColumn), box.height / (part.height * mmPerRow));
  const [width, height] = [part.width * mmPerColumn * scale, part.height * mmPerRow * scale];
  const [x, y] = [box.x + (box.width - width) / 2, box.y + (box.height - height) / 2];
  const place = (i: number, j: number): [number, number] => [
    x + (i - part.x) * mmPerColumn * scale,
    y + (j - part.y) * mmPerRow * scale,
  ];

  ctx.save();
  ctx.beginPath();
  ctx.rect(box.x, box.y, box.width, box.height);
  ctx.clip();
  ctx.fillStyle = '#000000';
  ctx.fillRect(box.x, box.y, box.width, box.height);
  ctx.imageSmoothingQuality = 'high';
  const columns = Math.round(width * pixelsPerUnit);
  const rows = Math.round(height * pixelsPerUnit);
  ctx.drawImage(enlarged(pixelsOf(grey, view, part), columns, rows), x, y, width, height);
  strokeBorder(ctx, border, place, letterSize);
  drawLetters(text, view, box, letterSize);
  drawScaleBar(ctx, text, box, scale, letterSize);
  ctx.restore();
  return { mmPerUnit: 1 / scale, place };
}

const wholeOf = ({ width, height }: View): Box => ({ x: 0, y: 0, width, height });

/**
 * The part of a view that shows the organ with a margin, widened to the shape of the box, in whole pixels.
 */
function aroundOrgan(view: View, border: readonly BorderSegment[], marginMm: number, box: Box): Box {
  const ends = border.flatMap(({ from, to }) => [from, to]);
  const [mmPerColumn, mmPerRow] = [length(view.right), length(view.down)];
  const range = (values: readonly number[]): [middle: number, extent: number] => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return [(low + high) / 2, high - low];
  };
  const [middleX, extentX] = range(ends.map(([i]) => i));
  const [middleY, extentY] = range(ends.map(([, j]) => j));
  const wanted = [extentX * mmPerColumn + 2 * marginMm, extentY * mmPerRow + 2 * marginMm] as const;
  const mmPerUnit = Math.max(wanted[0] / box.width, wanted[1] / box.height);
  const [x, width] = stretch(middleX, (box.width * mmPerUnit) / mmPerColumn, view.width);
  const [y, height] = stretch(middleY, (box.height * mmPerUnit) / mmPerRow, view.height);
  return { x, y, width, height };
}

/** So many pixels around a middle, moved and cut to stay within the image. */
function stretch(middle: number, wanted: number, available: number): [start: number, extent: number] {
  const extent = Math.min(Math.max(1, Math.round(wanted)), available);
  const start = Math.round(middle - extent / 2);
  return [Math.min(Math.max(0, start), available - extent), extent];
}

/** The part of a view as an image of its own: what is not shown does not get into the file. */
function pixelsOf(grey: Uint8ClampedArray, view: View, part: Box): Canvas {
  const shown = new Uint8ClampedArray(part.width * part.height * 4);
  for (let row = 0; row < part.height; row++) {
    const start = ((part.y + row) * view.width + part.x) * 4;
    shown.set(grey.subarray(start, start + part.width * 4), row * part.width * 4);
  }
  const canvas = createCanvas(part.width, part.height);
  canvas.getContext('2d').putImageData(new ImageData(shown, part.width, part.height), 0, 0);
  return canvas;
}

/** The image in so many pixels, smoothly. */
function enlarged(image: Canvas, columns: number, rows: number): Canvas {
  const canvas = createCanvas(columns, rows);
  const ctx = canvas.getContext('2d');
  ctx.imageSmoothingQuality = 'high';
  ctx.drawImage(image, 0, 0, columns, rows);
  return canvas;
}

const OUTLINE_WIDTH = 0.1; // of the letters' size
const OUTLINE_RIM_WIDTH = 0.2;

function strokeBorder(
  ctx: SKRSContext2D,
  border: readonly BorderSegment[],
  place: Placement['place'],
  letterSize: number,
): void {
  ctx.beginPath();
  for (const { from, to } of border) {
    ctx.moveTo(...place(...from));
    ctx.lineTo(...place(...to));
  }
  ctx.lineCap = 'round';
  ctx.strokeStyle = 'rgba(0, 0, 0, 0.5)';
  ctx.lineWidth = letterSize * OUTLINE_RIM_WIDTH;
  ctx.stroke();
  ctx.strokeStyle = OUTLINE_COLOR;
  ctx.lineWidth = letterSize * OUTLINE_WIDTH;
  ctx.stroke();
}

/** The patient's directions at the four edges (PS3.3 C.7.6.1.1.1). */
function drawLetters(text: TextPainter, { right, down }: View, box: Box, size: number): void {
  const style = { size, color: LABEL_COLOR, rim: RIM_COLOR, bold: true } as const;
  const inset = size * 0.5;
  const middleX = box.x + box.width / 2;
  const middleY = box.y + box.height / 2 + size * 0.35;
  text.draw(orientationLetters(scaled(right, -1)), box.x + inset, middleY, style);
  text.draw(orientationLetters(right), box.x + box.width - inset, middleY, { ...style, align: 'right' });
  text.draw(orientationLetters(scaled(down, -1)), middleX, box.y + inset + size * 0.8, {
    ...style,
    align: 'center',
  });
  text.draw(orientationLetters(down), middleX, box.y + box.height - inset, { ...style, align: 'center' });
}

/** Lengths in mm, the longest that takes up no more than its share of the box is used. */
const BAR_LENGTHS = [100, 50, 20, 10, 5] as const;
const BAR_SHARE = 0.3;
const TICK_MM = 10;

/** A scale bar with a tick per cm, in the lower left corner. */
function drawScaleBar(ctx: SKRSContext2D, text: TextPainter, box: Box, scale: number, size: number): void {
  const mm = BAR_LENGTHS.find((one) => one * scale <= box.width * BAR_SHARE) ?? 5;
  const [left, bottom] = [box.x + size * 0.6, box.y + box.height - size * 0.7];
  const tick = size * 0.35;
  ctx.beginPath();
  ctx.moveTo(left, bottom);
  ctx.lineTo(left + mm * scale, bottom);
  for (let at = 0; at <= mm; at += Math.min(TICK_MM, mm)) {
    const height = at === 0 || at === mm ? tick * 1.6 : tick;
    ctx.moveTo(left + at * scale, bottom);
    ctx.lineTo(left + at * scale, bottom - height);
  }
  ctx.lineCap = 'butt';
  for (const [color, width] of [
    [RIM_COLOR, size * 0.26],
    [LABEL_COLOR, size * 0.1],
  ] as const) {
    ctx.strokeStyle = color;
    ctx.lineWidth = width;
    ctx.stroke();
  }
  const label = mm % 10 === 0 ? `${mm / 10} cm` : `${mm} mm`;
  const style = { size: size * 0.8, color: LABEL_COLOR, rim: RIM_COLOR };
  text.draw(label, left + mm * scale + size * 0.4, bottom, style);
}
