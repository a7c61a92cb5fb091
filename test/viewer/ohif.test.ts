import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dice } from '../../src/segmentation/dice.ts';
import { describeWith } from '../support/requires.ts';
import { CHROMIUM, findViewer } from './ohif-package.ts';
import {
  drawnOutline,
  loadSegmentation,
  openSeries,
  openStudy,
  type ShownImage,
  screenshot,
  showImage,
  toggleSegmentation,
} from './ohif-page.ts';
import { type ArchiveKind, startOhif } from './ohif-server.ts';
import {
  differingPixels,
  enclosedPixels,
  farthestOutside,
  type ProjectedMask,
  projectMask,
} from './overlay.ts';
import {
  CT_PLAN,
  createViewerStudy,
  ENHANCED_CT_PLAN,
  OBLIQUE_MR_PLAN,
  type ViewerStudy,
} from './viewer-studies.ts';

/** Pictures of what was seen stay here. */
const ARTEFACTS = path.resolve(import.meta.dirname, '../../out/viewer');

/** Without a graphics card: its software renderer. */
const CHROMIUM_ARGUMENTS = [
  '--no-sandbox',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
];

const PAGE_TIMEOUT_MS = 60_000;

/** How near to the mask what is seen stays, in screen pixels: rounding, and the width of the outline. */
const OUTLINE_PIXELS = 3;
/** Overlap of what is seen with the true mask at screen resolution; 0.99 and more where nothing is wrong. */
const LEAST_DICE = 0.95;
/** How far the viewer's planes may lie from the true ones, in slices. */
const PLANE_TOLERANCE = 0.01;

const viewer = await findViewer();
const isMissing = 'missing' in viewer;
const need = isMissing ? ` [needs ${viewer.missing}]` : '';
const dist = isMissing ? '' : viewer.dist;

interface Shown {
  readonly study: ViewerStudy;
  readonly page: Page;
  readonly close: () => Promise<void>;
}

/** A study with its results in a new archive, opened in the viewer. */
async function show(study: ViewerStudy, archive: ArchiveKind = 'embedded'): Promise<Shown> {
  await mkdir(ARTEFACTS, { recursive: true });
  const server = await startOhif(dist, archive);
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    await server.stop();
  };
  try {
    await server.store([...study.images, ...study.results]);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGUMENTS });
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(PAGE_TIMEOUT_MS);
    await openStudy(page, server.url, study.studyInstanceUid);
    return { study, page, close };
  } catch (error) {
    await close();
    throw error;
  }
}

describe.skipIf(isMissing).each([CT_PLAN, OBLIQUE_MR_PLAN])(
  `OHIF shows the results of $name${need}`,
  (plan) => {
    let shown: Shown | undefined;

    beforeAll(async () => {
      shown = await show(await createViewerStudy(plan));
    });
    afterAll(() => shown?.close());

    test('the overlay covers the pancreas in every slice, and nothing else', async () => {
      const { study, page } = present(shown);
      await loadSegmentation(page);
      const count = study.images.length;
      const covered = await pictures(page, count);
      await toggleSegmentation(page);
      const bare = await pictures(page, count);
      await toggleSegmentation(page);

      let seen = 0;
      for (const [index, { image, png }] of covered.entries()) {
        const without = bare[index];
        if (!without) throw new Error(`image ${index} was not shown again`);
        const expected = projectMask(study.truth, image);
        const slice = sliceOf(expected);
        const overlay = differingPixels(png, without.png);
        // Where the slice has no pancreas, a single pixel of overlay makes these 0 and infinite.
        expect(dice(overlay, expected.pixels), `slice ${slice + 1}`).toBeGreaterThan(LEAST_DICE);
        expect(farthestOutside(overlay, expected.pixels, image.width)).toBeLessThan(OUTLINE_PIXELS);
        if (!expected.pixels.includes(1)) continue;
        seen++;
        await save(`${plan.name} slice ${slice + 1}.png`, png);
      }
      expect(seen).toBe(sections(study).filter((voxels) => voxels > 0).length);
      await save(`${plan.name} page.png`, await page.screenshot());
    });

    test("the report's volume can be read beside the outline of the largest section", async () => {
      const { study, page } = present(shown);
      await openSeries(page, 'SR');
      expect(await isVisible(page, volumeOf(study))).toBe(true);
      expect(await outlineAgreement(page, study)).toBeGreaterThan(LEAST_DICE);
      await save(`${plan.name} report.png`, await page.screenshot());
    });
  },
);

describe.skipIf(isMissing)(`OHIF shows reports${need}`, () => {
  test.each([
    ['of a follow-up, with every flag, that supersedes another', CT_PLAN, 'follow-up'],
    ["of a reader's correction", OBLIQUE_MR_PLAN, 'corrected'],
    ['of an image with many frames', ENHANCED_CT_PLAN, 'first'],
  ] as const)('%s', async (_, plan, kind) => {
    const { study, page, close } = await show(await createViewerStudy(plan, kind));
    try {
      await openSeries(page, 'SR');
      expect(await isVisible(page, volumeOf(study))).toBe(true);
      expect(await outlineAgreement(page, study)).toBeGreaterThan(LEAST_DICE);
      await save(`${plan.name} ${kind} report.png`, await page.screenshot());
    } finally {
      await close();
    }
  });

  test.each([CT_PLAN, OBLIQUE_MR_PLAN, ENHANCED_CT_PLAN])(
    'that nothing was found, in words on an image of those that were looked at: $name',
    async (plan) => {
      const study = await createViewerStudy(plan, 'nothing found');
      const { page, close } = await show(study);
      try {
        expect(await isVisible(page, 'Pancreas not found')).toBe(true);
        await openSeries(page, 'SR');
        const { image } = await drawnOutline(page);
        const words = page.getByText('Not visualized: 30.00 {images}').first();
        await words.waitFor();
        // On the page alone would not do: beside a frame the words lie outside of what is shown of the image.
        const box = await words.boundingBox();
        expect(box?.x).toBeGreaterThan(image.x);
        expect((box?.x ?? 0) + (box?.width ?? Infinity)).toBeLessThan(image.x + image.width);
        expect(box?.y).toBeGreaterThan(image.y);
        expect((box?.y ?? 0) + (box?.height ?? Infinity)).toBeLessThan(image.y + image.height);
        expect(await isVisible(page, '363698007: Pancreas')).toBe(true);
        await save(`${plan.name} nothing found report.png`, await page.screenshot());
      } finally {
        await close();
      }
    },
  );

  test('that nothing was found, and what before, in words where the site wants them', async () => {
    const { page, close } = await show(await createViewerStudy(CT_PLAN, 'nothing found, in words'));
    try {
      await openSeries(page, 'SR');
      expect(await isVisible(page, 'No pancreas was found; no volume was measured.')).toBe(true);
      expect(await isVisible(page, '2023-03-04: 75.00 ml')).toBe(true);
      await save('nothing found, in words.png', await page.screenshot());
    } finally {
      await close();
    }
  });
});

describe.skipIf(isMissing)(`OHIF${need}`, () => {
  describeWith(['Orthanc'], 'with Orthanc', () => {
    test('shows segmentation and report', async () => {
      const { study, page, close } = await show(await createViewerStudy(CT_PLAN), 'orthanc');
      try {
        await loadSegmentation(page);
        await openSeries(page, 'SR');
        expect(await isVisible(page, volumeOf(study))).toBe(true);
        expect(await outlineAgreement(page, study)).toBeGreaterThan(LEAST_DICE);
        await save('Orthanc report.png', await page.screenshot());
      } finally {
        await close();
      }
    });
  });
});

function present(shown: Shown | undefined): Shown {
  if (!shown) throw new Error('the study was not opened');
  return shown;
}

/** Waits for words on the page; throws where they don't come. */
async function isVisible(page: Page, words: string): Promise<boolean> {
  const text = page.getByText(words).first();
  await text.waitFor();
  return text.isVisible();
}

const volumeOf = ({ volumeMl }: ViewerStudy): string => `Volume: ${volumeMl.toFixed(2)} ml`;

/**
 * How well the line that the viewer draws runs around the pancreas; 0 unless in the slice with the largest
 * section.
 */
async function outlineAgreement(page: Page, study: ViewerStudy): Promise<number> {
  const { image, corners } = await drawnOutline(page);
  const expected = projectMask(study.truth, image);
  const areas = sections(study);
  if (areas[sliceOf(expected)] !== Math.max(...areas)) return 0;
  return dice(enclosedPixels(corners, image), expected.pixels);
}

/** The slice of the true mask that the viewer shows, counted from 0. */
function sliceOf({ slices }: ProjectedMask): number {
  const slice = Math.round(slices[0] ?? Number.NaN);
  for (const at of slices) expect(Math.abs(at - slice)).toBeLessThan(PLANE_TOLERANCE);
  return slice;
}

async function pictures(page: Page, count: number): Promise<{ image: ShownImage; png: Uint8Array }[]> {
  const all = [];
  for (let index = 0; index < count; index++) {
    const image = await showImage(page, index);
    all.push({ image, png: await screenshot(page, image) });
  }
  return all;
}

/** How many voxels of the pancreas each slice has. */
function sections({ truth: { voxels, size } }: ViewerStudy): number[] {
  const pixels = size[0] * size[1];
  return Array.from({ length: size[2] }, (_, k) =>
    voxels.subarray(k * pixels, (k + 1) * pixels).reduce((sum, voxel) => sum + voxel, 0),
  );
}

async function save(name: string, png: Uint8Array): Promise<void> {
  await writeFile(path.join(ARTEFACTS, name.replaceAll(' ', '-')), png);
}
