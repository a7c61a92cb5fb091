import { type ViewPicture, viewPicture } from './draw-view.ts';
import { ABDOMEN_WINDOW, type GreyWindow, percentileWindow } from './grey-window.ts';
import { pageFacts } from './page-facts.ts';
import type { PictureInput } from './picture-input.ts';
import { isCt, type SummaryContent } from './summary-page.ts';
import { viewsThrough } from './views.ts';

export interface PictureSet {
  readonly views: readonly ViewPicture[];
  readonly window: GreyWindow;
}

/** The views that show a result: none where nothing was found. */
export function pictureSet(input: PictureInput): PictureSet {
  const { series, mask } = input.context;
  const window = isCt(input) ? ABDOMEN_WINDOW : percentileWindow(series.volume.voxels, mask);
  const views = (input.measurement ? viewsThrough(series.volume, mask) : undefined) ?? [];
  return { views: views.map((view) => viewPicture(view, series.volume, mask, window)), window };
}

export function summaryContent(
  input: PictureInput,
  { views, window }: PictureSet,
  made: string,
  pixelsPerUnit: number,
): SummaryContent {
  return { facts: pageFacts(input.context), pictures: views, windowLabel: window.label, made, pixelsPerUnit };
}
