import { createCanvas } from '@napi-rs/canvas';
import type { SeriesVolume } from '../dicom/geometry/series-volume.ts';
import { drawView, LABEL_COLOR, OUTLINE_COLOR, type ViewPicture } from './draw-view.ts';
import type { GreyWindow } from './grey-window.ts';
import type { PageFacts } from './page-facts.ts';
import { type RgbImage, rgbImage } from './rgb-image.ts';
import { sliceLabel } from './slice-label.ts';
import { lineHeight, TextPainter, type TextStyle } from './text.ts';

/** Square, so that every viewer's layout shows it large; twice the matrix of most CT. */
const SIZE = 1024;
/** Strips above and below the image hold the text: none of it covers anatomy. */
const TOP_STRIP = 84;
const BOTTOM_STRIP = 96;
const MARGIN = 20;
const TEXT_SIZE = 19;
const FIRST_LINE = 27;
const LINE = lineHeight({ size: TEXT_SIZE });
const LETTER_SIZE = 24;
const DIM_COLOR = '#a8a8a8';

export interface KeyImage {
  readonly image: RgbImage;
  /** Of the image's pixels, the same along rows and columns. */
  readonly mmPerPixel: number;
}

/** One view of the whole plane with the outline, as an image of its own. */
export function keyImage(
  picture: ViewPicture,
  facts: PageFacts,
  window: GreyWindow,
  series: SeriesVolume,
): KeyImage {
  const canvas = createCanvas(SIZE, SIZE);
  const ctx = canvas.getContext('2d');
  ctx.fillStyle = '#000000';
  ctx.fillRect(0, 0, SIZE, SIZE);
  const text = new TextPainter(ctx, facts.forms);
  const box = { x: MARGIN, y: TOP_STRIP, width: SIZE - 2 * MARGIN, height: SIZE - TOP_STRIP - BOTTOM_STRIP };
  const { mmPerUnit } = drawView(ctx, text, picture, box, { letterSize: LETTER_SIZE, pixelsPerUnit: 1 });

  const half = (SIZE - 3 * MARGIN) / 2;
  const main = { size: TEXT_SIZE, color: LABEL_COLOR, bold: true } as const;
  const title = { ...main, color: OUTLINE_COLOR } as const;
  const more = { size: TEXT_SIZE, color: DIM_COLOR } as const;
  const left = (words: string, y: number, style: TextStyle): void => {
    text.draw(words, MARGIN, y, { ...style, maxWidth: half });
  };
  const right = (words: string, y: number, style: TextStyle): void => {
    text.draw(words, SIZE - MARGIN, y, { ...style, align: 'right', maxWidth: half });
  };
  text.drawWhole(facts.names.join('   '), MARGIN, FIRST_LINE, half, main);
  left(facts.patient, FIRST_LINE + LINE, more);
  right(`Pancreas, ${picture.view.name}`, FIRST_LINE, title);
  right(facts.study, FIRST_LINE + LINE, more);
  right(facts.series, FIRST_LINE + 2 * LINE, more);
  const below = SIZE - BOTTOM_STRIP + FIRST_LINE;
  left(sliceLabel(picture, series), below, main);
  left(window.label, below + LINE, more);
  right('Automatic segmentation', below, main);
  right(facts.model, below + LINE, more);
  text.drawWhole(facts.restrictions.join(' '), MARGIN, below + 2 * LINE, SIZE - 2 * MARGIN, title);
  return { image: rgbImage(canvas), mmPerPixel: mmPerUnit };
}
