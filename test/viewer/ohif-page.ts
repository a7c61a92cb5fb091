import type { Page } from 'playwright-core';
import { z } from 'zod';
import type { CanvasPlane } from './overlay.ts';

/**
 * What the viewer is asked by script: its view on the images. Everything that a user can see is clicked and
 * read.
 */
const VIEWPORT =
  'window.ohifServices?.cornerstoneViewportService?.getRenderingEngine?.()?.getViewports?.()?.[0]';

const place = z.object({
  imageId: z.string(),
  x: z.number(),
  y: z.number(),
  width: z.number(),
  height: z.number(),
  topLeft: z.array(z.number()).length(3),
  topRight: z.array(z.number()).length(3),
  bottomLeft: z.array(z.number()).length(3),
});

/** The image that is shown, where its canvas lies on the page, and where the canvas lies in patient space. */
export type ShownImage = CanvasPlane & { readonly imageId: string; readonly x: number; readonly y: number };

/** Opens a study, and waits until its first image is drawn. */
export async function openStudy(page: Page, server: string, studyInstanceUid: string): Promise<void> {
  // The tour that greets new users covers the page.
  await page.addInitScript(`localStorage.setItem('shownTours', '["basicViewerTour"]')`);
  await page.goto(`${server}/viewer?StudyInstanceUIDs=${studyInstanceUid}`);
  await page.waitForFunction(`Boolean(${VIEWPORT}?.getImageData?.())`);
}

/** Opens a series that has no thumbnail picture (SEG, SR) as users do: by a double click on its entry. */
export async function openSeries(page: Page, modality: 'SEG' | 'SR'): Promise<void> {
  await page
    .locator('[data-cy="study-browser-thumbnail-no-image"]')
    .filter({ has: page.getByText(modality, { exact: true }) })
    .dblclick();
}

/** Opens the SEG, agrees to load it over its images, and waits until the viewer has it. */
export async function loadSegmentation(page: Page): Promise<void> {
  await openSeries(page, 'SEG');
  const agree = page.locator('[data-cy="yes-hydrate-btn"]');
  await agree.waitFor();
  await page.evaluate(`window.canvasWithQuestion = ${VIEWPORT}.canvas; undefined`);
  await agree.click();
  await page.waitForFunction(
    `(() => {
      const viewport = ${VIEWPORT};
      // The viewer puts a new canvas in place of the one with the question.
      if (!viewport?.canvas?.clientWidth || viewport.canvas === window.canvasWithQuestion) return false;
      if (viewport.type !== 'stack' || !viewport.getImageData()) return false;
      return window.ohifServices.segmentationService.getSegmentationRepresentations(viewport.id).length === 1;
    })()`,
  );
}

/** Shows or hides the segmentation, as the eye in the viewer's panel does. */
export async function toggleSegmentation(page: Page): Promise<void> {
  await page.evaluate(`(() => {
    const viewport = ${VIEWPORT};
    const service = window.ohifServices.segmentationService;
    for (const { segmentationId, type } of service.getSegmentationRepresentations(viewport.id)) {
      service.toggleSegmentationRepresentationVisibility(viewport.id, { segmentationId, type });
    }
  })()`);
}

/** Scrolls to the image at an index of the viewer's stack, and waits until the next frames are drawn. */
export async function showImage(page: Page, index: number): Promise<ShownImage> {
  await page.evaluate(`(async () => {
    const viewport = ${VIEWPORT};
    await viewport.setImageIdIndex(${index});
    viewport.render();
    for (let i = 0; i < 4; i++) await new Promise(requestAnimationFrame);
  })()`);
  return shownImage(page);
}

async function shownImage(page: Page): Promise<ShownImage> {
  const answer: unknown = await page.evaluate(`(() => {
    const viewport = ${VIEWPORT};
    const { clientWidth: width, clientHeight: height } = viewport.canvas;
    const { x, y } = viewport.canvas.getBoundingClientRect(); // whole numbers in this layout
    const world = (right, down) => [...viewport.canvasToWorld([right, down])];
    return {
      imageId: viewport.getCurrentImageId(), x, y, width, height,
      topLeft: world(0, 0), topRight: world(width, 0), bottomLeft: world(0, height),
    };
  })()`);
  return place.parse(answer);
}

const corners = z.array(z.array(z.number()).length(2)).min(3);

/** What a report draws on the image that is shown: the corners of its outline, in pixels of the canvas. */
export async function drawnOutline(page: Page): Promise<{ image: ShownImage; corners: number[][] }> {
  const line = 'svg.svg-layer polyline';
  await page.locator(line).first().waitFor({ state: 'attached' });
  const points: unknown = await page.evaluate(
    `[...document.querySelector('${line}').points].map(({ x, y }) => [x, y])`,
  );
  return { image: await shownImage(page), corners: corners.parse(points) };
}

/** Controls over the canvas change by themselves: the scroll bar shows what is loaded. */
const CANVAS_ALONE = '* { visibility: hidden !important } canvas { visibility: visible !important }';

/** What the canvas shows on the screen, as PNG. */
export async function screenshot(page: Page, { x, y, width, height }: ShownImage): Promise<Uint8Array> {
  return page.screenshot({ clip: { x, y, width, height }, style: CANVAS_ALONE });
}
