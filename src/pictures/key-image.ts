import { createCanvas } from '@napi-rs/canvas';
import type { SeriesVolume } from '../dicom/geometry/series-volume.ts';
import { drawView, LABEL_COLOR, OUTLINE_COLOR, type ViewPicture } from './draw-view.ts';
import type { GreyWindow } from './grey-window.ts';
import type { PageFacts } from './page-facts.ts';
import { type RgbImage, rgbImage } from './rgb-image.ts';
import { sliceLabel } from './slice-label.ts';
import { TextPainter } from './text.ts';

/** Square, so that every viewer's layout shows it large; twice the matrix of most CT. */
const SIZE = 1024;
/** Strips above and below the image hold the text: none of it covers anatomy. */
const STRIP = 84;
const MARGIN = 20;
const TEXT_SIZE = 19;
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
  const box = { x: MARGIN, y: STRIP, width: SIZE - 2 * MARGIN, height: SIZE - 2 * STRIP };
  const { mmPerUnit } = drawView(ctx, text, picture, box, { letterSize: LETTER_SIZE });

  const half = (SIZE - 3 * MARGIN) / 2;
  const column = (lines: readonly string[], y: number, align: 'left' | 'right', first: string): void => {
    for (const [index, line] of lines.entries()) {
      text.draw(line, align === 'left' ? MARGIN : SIZE - MARGIN, y + index * TEXT_SIZE * 1.3, {
        size: TEXT_SIZE,
        color: index === 0 ? first : DIM_COLOR,
        bold: index === 0,
        align,
        maxWidth: half,
      });
    }
  };
  const { name } = picture.view;
  const title = `Pancreas, ${name}`;
  column([facts.names.join('   '), facts.patient], 34, 'left', LABEL_COLOR);
  column([title, facts.study, facts.series], 26, 'right', OUTLINE_COLOR);
  column([sliceLabel(picture, series), window.label], SIZE - 44, 'left', LABEL_COLOR);
  column(
    ['Automatic segmentation', facts.model, facts.restrictions.join(' ')],
    SIZE - 56,
    'right',
    LABEL_COLOR,
  );
  return { image: rgbImage(canvas), mmPerPixel: mmPerUnit };
}
