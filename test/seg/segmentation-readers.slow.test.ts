import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SeriesVolume } from '../../src/dicom/geometry/series-volume.ts';
import { voxelVolumeMl } from '../../src/dicom/volume.ts';
import { SEGMENTATION_FORMS } from '../../src/results/result-context.ts';
import { readSegmentation } from '../../src/seg/read-segmentation.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { ellipsoids, sharedSeries } from '../support/ellipsoid-masks.ts';
import { resultsOfEnhanced } from '../support/enhanced-image.ts';
import { describeWith } from '../support/requires.ts';
import { context } from '../support/result-fixtures.ts';
import { maskOf, SEGMENTATION_READERS } from '../support/segmentation-readers.ts';

interface Source {
  readonly series: SeriesVolume;
  readonly mask: Uint8Array;
  readonly softMask: Uint8Array;
}

const SOURCES: Readonly<Record<string, () => Promise<Source>>> = {
  'a CT': async () => withEllipsoid(await sharedSeries('ct-abdomen', 'ct')),
  'an oblique MR': async () => withEllipsoid(await sharedSeries('volumes', 'anatomical', '001')),
  'an enhanced image': async () => {
    const { series, mask } = await resultsOfEnhanced();
    return { series, mask, softMask: mask.map((value) => 200 * value) };
  },
};

const withEllipsoid = (series: SeriesVolume): Source => ({ series, ...ellipsoids(series) });

describeWith(['shared', ...SEGMENTATION_READERS.map(({ needs }) => needs)], 'a SEG', () => {
  const sources = new Map<string, Source>();
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'segmentation-readers-'));
    for (const [name, load] of Object.entries(SOURCES)) sources.set(name, await load());
  });
  afterAll(() => rm(folder, { recursive: true }));

  const cases = Object.keys(SOURCES).flatMap((source) =>
    SEGMENTATION_FORMS.map((form) => ({ source, form, file: `${form} of ${source}.dcm` })),
  );

  it.each(cases)(
    'is the same mask and volume to every reader: $form of $source',
    async ({ source, form, file }) => {
      const given = sources.get(source);
      if (!given) throw new Error(`no ${source}`);
      const { series, mask } = given;
      const written = createSegmentation(context(given), form);
      if (!written) throw new Error('nothing was written');
      const place = path.join(folder, file);
      await writeFile(place, written.bytes);
      expect(Buffer.compare(readSegmentation(await readFile(place), series), mask)).toBe(0);
      const volumeMl = mask.reduce((sum, voxel) => sum + voxel, 0) * voxelVolumeMl(series.volume.affine);
      for (const reader of SEGMENTATION_READERS) {
        const seg = await reader.read(place);
        expect(Buffer.compare(maskOf(seg, series), mask), reader.name).toBe(0);
        expect(Math.abs(seg.volumeMl - volumeMl), reader.name).toBeLessThan(0.01);
      }
    },
  );
});
