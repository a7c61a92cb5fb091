import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { SeriesVolumeBuilder } from '../../src/dicom/geometry/series-volume-builder.ts';
import { type Instance, readInstance } from '../../src/dicom/reading/dataset.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { enhancedImage } from '../support/enhanced-image.ts';
import { type Attributes, ctAttributes, part10, words } from '../support/part10.ts';

function slice(z: number, over: Attributes = {}): Instance {
  const attributes = ctAttributes({
    SOPInstanceUID: `2.25.10${z}`,
    ImagePositionPatient: ['0', '0', String(z)],
    PixelData: words(Array.from({ length: 12 }, (_, i) => 100 * z + i)),
    ...over,
  });
  return readInstance(part10(attributes), `slice ${z}`);
}

describe('a volume that is built image by image', () => {
  it('is the one that is built at once, in any order, whether the number of planes is known or not', async () => {
    const given = fc.record({
      order: fc.shuffledSubarray([...Array(9).keys()], { minLength: 2 }).filter(isRun),
      expectedPlanes: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
      slopes: fc.array(fc.constantFrom('1', '2', '0.5', '40000'), { minLength: 9, maxLength: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(given, async ({ order, expectedPlanes, slopes }) => {
        const instances = order.map((z) => slice(z, { RescaleSlope: slopes[z] }));
        const builder = new SeriesVolumeBuilder(expectedPlanes === undefined ? {} : { expectedPlanes });
        await Promise.all(instances.map(async (instance) => builder.add(instance)));
        expect(builder.finish()).toEqual(await buildVolume(instances));
      }),
      { numRuns: 60 },
    );
  });

  it('takes all frames of enhanced images', async () => {
    const frames = [6, 2, 4, 0].map((z) => ({
      position: ['0', '0', String(z)],
      values: Array<number>(12).fill(z),
    }));
    const image = enhancedImage(frames);
    const builder = new SeriesVolumeBuilder();
    await builder.add(image);
    expect(builder.finish()).toEqual(await buildVolume([image]));
  });

  it('is refused before memory is filled with pixels that take no bytes', async () => {
    const { dataset, source } = slice(0);
    const large = {
      dataset: { ...dataset, Rows: 2048, Columns: 2048 },
      transferSyntaxUid: TRANSFER_SYNTAX.jpeg2000Lossless,
      frames: [new Uint8Array(100)],
      source,
    };
    const builder = new SeriesVolumeBuilder();
    const added = await Promise.allSettled(Array.from({ length: 9 }, async () => builder.add(large)));
    expect(added.at(-1)).toMatchObject({
      reason: {
        code: 'DICOM_UNREADABLE',
        message: expect.stringMatching(/: 900 bytes of compressed pixels become 75497472: no images/),
      },
    });
  });

  it('is refused where each of many frames repeats a long header', async () => {
    const frames = Array.from({ length: 600 }, (_, z) => ({
      position: ['0', '0', String(z)],
      values: Array<number>(12).fill(z),
    }));
    const image = enhancedImage(frames);
    const long = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`K${i}`, 'x']));
    const added = new SeriesVolumeBuilder().add({ ...image, dataset: { ...image.dataset, ...long } });
    await expect(added).rejects.toThrow(/600 frames of 90\d\d attributes are more than are read/);
  });

  it('is refused with the same words', async () => {
    const wrong: Instance[][] = [
      [],
      [slice(0)],
      [slice(0), slice(1), slice(3)],
      [slice(0), slice(1, { Rows: 2, Columns: 4, PixelData: words(Array<number>(8).fill(1)) })],
      [slice(0), slice(1, { SOPInstanceUID: '' })],
      [slice(0), slice(1, { RescaleSlope: '' })],
    ];
    for (const instances of wrong) {
      const builder = new SeriesVolumeBuilder();
      const added = Promise.all(instances.map(async (instance) => builder.add(instance)));
      const found = await added.then(() => builder.finish()).catch((error: unknown) => error);
      const expected = await buildVolume(instances).catch((error: unknown) => error);
      expect(found).toBeInstanceOf(Error);
      expect(found).toEqual(expected);
    }
  });
});

/** Whether numbers are a run without a gap. */
function isRun(numbers: readonly number[]): boolean {
  return Math.max(...numbers) - Math.min(...numbers) === numbers.length - 1;
}
