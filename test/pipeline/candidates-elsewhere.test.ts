import { describe, expect, it } from 'vitest';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import { candidatesOf } from '../../src/pipeline/selection/candidates.ts';
import { candidatesElsewhere } from '../../src/pipeline/selection/candidates-elsewhere.ts';
import { factsOf } from '../../src/pipeline/selection/facts.ts';
import { ctAttributes } from '../support/part10.ts';

const image = (index: number, more: DicomDataset = {}): DicomDataset =>
  ctAttributes({
    SOPInstanceUID: `1.2.3.${index}`,
    ImagePositionPatient: ['0', '0', String(index % 200)],
    EchoTime: index < 200 ? '1' : '2',
    PixelData: undefined,
    ...more,
  });

describe('what selection knows of a series', () => {
  it('is the same for a large one, which is looked at in another thread', async () => {
    const large = Array.from({ length: 400 }, (_, index) => image(index));
    const elsewhere = await candidatesElsewhere('1.2.3', large);
    expect(elsewhere).toHaveLength(2);
    expect(elsewhere).toEqual(candidatesOf('1.2.3', large));
  });

  it('is a problem, not an error, where each image is a volume of its own: its study has other series', async () => {
    const turned = Array.from({ length: 600 }, (_, index) =>
      image(index, { ImageOrientationPatient: ['1', '0', '0', '0', String(index / 600), '1'] }),
    );
    expect(await candidatesElsewhere('1.2.3', turned)).toEqual([
      expect.objectContaining({
        images: 600,
        problem: expect.stringMatching(/^it falls into \d+ volumes/),
        facts: expect.objectContaining({ modality: 'CT' }),
      }),
    ]);
  });

  it('is a problem where an image claims a hundred thousand frames', async () => {
    const frames = Array.from({ length: 100_000 }, () => ({}));
    const claimed = image(0, { PerFrameFunctionalGroupsSequence: frames });
    expect(await candidatesElsewhere('1.2.3', [claimed])).toMatchObject([
      { problem: 'it has 100000 images; more than 20000 are not told apart' },
    ]);
  });

  it('has no text that is longer than people write', () => {
    const { words, kernel } = factsOf(
      image(0, { SeriesDescription: 'x'.repeat(60_000), ConvolutionKernel: Array<string>(500).fill('B') }),
      1,
    );
    expect(words).toBe('x'.repeat(1024));
    expect((Array.isArray(kernel) ? kernel : [kernel]).length).toBeLessThanOrEqual(64);
  });
});
