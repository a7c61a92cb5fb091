import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImageFrame } from '../../src/dicom/geometry/image-frame.ts';
import { imageKey, splitSeries } from '../../src/dicom/geometry/split-series.ts';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import { axialImage } from '../support/image-frames.ts';

const image = axialImage;

/** Ten slices, 3 mm apart. */
const stack = (attributes: (k: number) => DicomDataset = () => ({}), slices = 10, first = 0): ImageFrame[] =>
  Array.from({ length: slices }, (_, k) => image(first + 3 * k, attributes(k))).flat();

const summary = (frames: readonly ImageFrame[]) =>
  splitSeries(frames)
    .map(({ name, frames: own }) => [name, own.length] as const)
    .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));

const CORONAL = { ImageOrientationPatient: ['1', '0', '0', '0', '0', '-1'] };

describe('a series', () => {
  it('that is one volume stays whole and has no part name', () => {
    expect(summary(stack((k) => ({ AcquisitionTime: `1000${10 + k}`, InstanceNumber: k })))).toEqual([
      [undefined, 10],
    ]);
  });

  it.each<[string, ImageFrame[], unknown[][]]>([
    [
      'two phases by AcquisitionNumber',
      [1, 2].flatMap((n) => stack(() => ({ AcquisitionNumber: n }))),
      [
        ['AcquisitionNumber 1', 10],
        ['AcquisitionNumber 2', 10],
      ],
    ],
    [
      'two phases of which one covers less',
      [...stack(() => ({ AcquisitionNumber: 1 }), 6), ...stack(() => ({ AcquisitionNumber: 2 }), 20)],
      [
        ['AcquisitionNumber 1', 6],
        ['AcquisitionNumber 2', 20],
      ],
    ],
    [
      'phases by times that run on from slice to slice',
      [100000, 100100].flatMap((start) => stack((k) => ({ AcquisitionTime: String(start + k) }))),
      [
        ['AcquisitionTime 100000', 10],
        ['AcquisitionTime 100100', 10],
      ],
    ],
    [
      'echoes',
      [2.3, 4.6].flatMap((echo) => stack(() => ({ EchoTime: echo }))),
      [
        ['EchoTime 2.3', 10],
        ['EchoTime 4.6', 10],
      ],
    ],
    [
      'Dixon parts, by what is not equal in their ImageType',
      ['WATER', 'FAT', 'IN_PHASE'].flatMap((part) =>
        stack(() => ({ ImageType: ['DERIVED', 'PRIMARY', 'DIXON', part] })),
      ),
      [
        ['ImageType FAT', 10],
        ['ImageType IN_PHASE', 10],
        ['ImageType WATER', 10],
      ],
    ],
    [
      "b-values of a vendor's own tag",
      ['50', '800'].flatMap((b) => stack(() => ({ '0019100C': b }))),
      [
        ['b-value 50', 10],
        ['b-value 800', 10],
      ],
    ],
    [
      'echoes and phases at once',
      [1, 2].flatMap((phase) =>
        [1.2, 2.4].flatMap((echo) => stack(() => ({ TemporalPositionIdentifier: phase, EchoTime: echo }))),
      ),
      [1.2, 2.4].flatMap((echo) =>
        [1, 2].map((phase) => [`EchoTime ${echo}, TemporalPositionIdentifier ${phase}`, 10]),
      ),
    ],
    [
      'orientations',
      [
        ...stack(),
        ...Array.from({ length: 8 }, (_, k) =>
          image(0, { ...CORONAL, ImagePositionPatient: ['0', String(4 * k), '0'] }),
        ).flat(),
      ],
      [
        ['axial', 10],
        ['coronal', 8],
      ],
    ],
    [
      'a localizer in front',
      [
        ...image(50, { ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] }),
        ...stack(() => ({ ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'] })),
      ],
      [
        ['localizer', 1],
        ['no localizer', 10],
      ],
    ],
    [
      'an image of another size in front',
      [...image(-40, { Rows: 8 }), ...stack()],
      [
        ['4 x 4', 10],
        ['4 x 8', 1],
      ],
    ],
    [
      'two acquisitions between whose slices the others lie',
      [0, 0.7].flatMap((first, n) => stack(() => ({ AcquisitionNumber: n }), 10, first)),
      [
        ['AcquisitionNumber 0', 10],
        ['AcquisitionNumber 1', 10],
      ],
    ],
    [
      'two stacks one above the other',
      [0, 100].flatMap((first, n) => stack(() => ({ AcquisitionNumber: n }), 10, first)),
      [
        ['AcquisitionNumber 0', 10],
        ['AcquisitionNumber 1', 10],
      ],
    ],
  ])('is split: %s', (_, frames, expected) => expect(summary(frames)).toEqual(expected));

  it('whose images nothing tells apart is not split, and the reason says how many lie at one place', () => {
    const [part, ...others] = splitSeries([
      ...stack((k) => ({ InstanceNumber: k })),
      ...stack((k) => ({ InstanceNumber: 10 + k })),
    ]);
    expect(others).toEqual([]);
    expect(part?.problem).toMatch(
      /up to 2 of its images lie at one place, and nothing in their headers tells them apart/,
    );
  });

  it('is not split by what each of its images has for itself', () => {
    const [part, ...others] = splitSeries(
      [0, 10].flatMap((first) => stack((k) => ({ TriggerTime: first + k }))),
    );
    expect(others).toEqual([]);
    expect(part?.problem).toBeDefined();
  });

  it('with a missing slice stays one part: its gap is for the volume to name', () => {
    const halves = stack((k) => ({ AcquisitionTime: String(100000 + k), AcquisitionNumber: k < 5 ? 1 : 2 }));
    expect(splitSeries(halves.toSpliced(2, 1))).toEqual([{ frames: halves.toSpliced(2, 1) }]);
  });

  it('of one place imaged again and again is not split', () => {
    const frames = Array.from({ length: 20 }, (_, k) => image(0, { AcquisitionNumber: k })).flat();
    expect(splitSeries(frames)).toEqual([{ frames }]);
  });

  it('of frames of one enhanced image is split by their functional groups', () => {
    const frames = [1, 2].flatMap((phase) =>
      Array.from({ length: 5 }, (_, k) => ({
        FrameContentSequence: [{ TemporalPositionIndex: phase }],
        PlanePositionSequence: [{ ImagePositionPatient: ['0', '0', String(3 * k)] }],
      })),
    );
    const enhanced = image(0, {
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.4.1',
      NumberOfFrames: '10',
      PerFrameFunctionalGroupsSequence: frames,
    });
    expect(summary(enhanced)).toEqual([
      ['TemporalPositionIdentifier 1', 5],
      ['TemporalPositionIdentifier 2', 5],
    ]);
  });

  it('gives the same parts with the same names in whatever order its images come', () => {
    const frames = [1, 2, 3].flatMap((n) =>
      stack((k) => ({ AcquisitionNumber: n, AcquisitionTime: String(n * 1000 + k) })),
    );
    const parts = (list: readonly ImageFrame[]) =>
      splitSeries(list).map((part) => [part.name, part.frames.map(imageKey).sort()]);
    const expected = parts(frames);
    expect(expected).toHaveLength(3);
    fc.assert(
      fc.property(fc.shuffledSubarray(frames, { minLength: frames.length }), (shuffled) => {
        expect(parts(shuffled)).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });
});
