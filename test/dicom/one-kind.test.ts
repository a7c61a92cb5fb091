import { describe, expect, it } from 'vitest';
import type { ImageFrame } from '../../src/dicom/geometry/image-frame.ts';
import { kindProblem } from '../../src/dicom/geometry/one-kind.ts';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { splitSeries } from '../../src/dicom/geometry/split-series.ts';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { axialImage } from '../support/image-frames.ts';
import { ctAttributes, part10 } from '../support/part10.ts';

const image = (z: number, attributes: DicomDataset): ImageFrame[] =>
  axialImage(z, {
    FrameOfReferenceUID: '1.9',
    ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    ...attributes,
  });
const stack = (of: (k: number) => DicomDataset, slices = 20, step = 3): ImageFrame[] =>
  Array.from({ length: slices }, (_, k) => image(step * k, of(k))).flat();

const KINDS: readonly (readonly [string, DicomDataset])[] = [
  ['an iodine map', { ImageType: ['DERIVED', 'SECONDARY', 'AXIAL', 'IODINE'] }],
  ['other units', { RescaleType: 'MGML' }],
  ['another echo', { EchoTime: '4.8' }],
  ['another echo number', { EchoNumbers: '2' }],
  ['another kernel', { ConvolutionKernel: 'B70f' }],
  ['another tube voltage', { KVP: '80' }],
  ['another b-value', { DiffusionBValue: 800 }],
  ["another b-value in a vendor's tag", { DiffusionBValue: undefined, '0019100C': '800' }],
  ['another inversion time', { InversionTime: '180' }],
  ['another flip angle', { FlipAngle: '70' }],
  ['another phase of a dynamic', { TemporalPositionIdentifier: '2' }],
  ['contrast medium', { ContrastBolusAgent: 'Iomeron' }],
  ['phase images', { ComplexImageComponent: 'PHASE' }],
];
const USUAL = {
  EchoTime: '2.4',
  EchoNumbers: '1',
  ConvolutionKernel: 'B30f',
  KVP: '120',
  DiffusionBValue: 0,
  InversionTime: '90',
  FlipAngle: '10',
  TemporalPositionIdentifier: '1',
};

describe('images of another kind at even places', () => {
  it.each(KINDS)('are no part of the volume, and the rest is not taken for the whole: %s', (_, other) => {
    for (const isOther of [(k: number) => k % 8 === 3, (k: number) => k >= 10, (k: number) => k === 19]) {
      const parts = splitSeries(stack((k) => ({ ...USUAL, ...(isOther(k) ? other : {}) })));
      expect(parts.length).toBeGreaterThan(1);
      for (const { frames, problem, formerName } of parts) {
        expect(kindProblem(frames)).toBeUndefined();
        expect(formerName).toBe('');
        // Three slices 24 mm apart are no volume that anybody would take.
        expect(frames.length <= 3 || /other images of its series/.test(problem ?? '')).toBe(true);
      }
    }
  });

  it('that fill the gaps of a complete stack leave it a volume', () => {
    const parts = splitSeries(stack((k) => (k % 2 ? { KVP: '80' } : { KVP: '140' })));
    expect(parts.map(({ name, problem }) => [name, problem])).toEqual([
      ['KVP 140', undefined],
      ['KVP 80', undefined],
    ]);
  });

  it('are refused by the volume itself, with the reason', async () => {
    const instances = [0, 2, 4, 6].map((z, k) => {
      const own = { ImagePositionPatient: ['0', '0', String(z)], SOPInstanceUID: `2.25.${10 + k}` };
      const kind = k === 2 ? { RescaleType: 'MGML' } : {};
      return readInstance(part10(ctAttributes({ ...own, ...kind })), `slice ${k}`);
    });
    await expect(buildVolume(instances)).rejects.toMatchObject({
      code: 'DICOM_GEOMETRY',
      message: expect.stringMatching(/RescaleType \(HU: 3, MGML: 1; HU and mg\/ml/),
    });
  });
});

it('the same value in other digits, and a unit that only some images state, are one kind', () => {
  const parts = splitSeries(
    stack((k) =>
      k % 2 ? { EchoTime: '2.4000', KVP: '120.0', RescaleType: 'HU' } : { EchoTime: 2.4, KVP: 120 },
    ),
  );
  expect(parts).toHaveLength(1);
});

describe('a series in two coordinate systems', () => {
  it('is refused, each part with the reason', () => {
    for (const other of [{ FrameOfReferenceUID: '1.10' }, { FrameOfReferenceUID: undefined }]) {
      const parts = splitSeries(stack((k) => (k < 10 ? {} : other)));
      expect(parts.map(({ problem }) => problem)).toEqual(
        [1, 2].map(() => expect.stringMatching(/2 coordinate/)),
      );
    }
  });

  it('is not one where its localizer has another', () => {
    const localizer = image(200, {
      ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'],
      FrameOfReferenceUID: '1.10',
    });
    const parts = splitSeries([...localizer, ...stack(() => ({}))]);
    expect(parts.map(({ problem }) => problem)).toEqual([undefined, undefined]);
  });
});

it('a stack that goes on in another matrix is a piece of one', () => {
  const parts = splitSeries(stack((k) => (k < 12 ? {} : { Rows: 8, Columns: 8 })));
  expect(parts.map(({ problem }) => problem)).toEqual(
    [1, 2].map(() => expect.stringMatching(/should go on/)),
  );
});

it('a series in which the header of an image is cut off is refused', () => {
  const cut = image(0, { Rows: undefined, Columns: undefined, ImagePositionPatient: undefined });
  const parts = splitSeries([...stack(() => ({}), 19), ...cut]);
  expect(parts.map(({ problem }) => problem)).toEqual(
    [1, 2].map(() => expect.stringMatching(/have no Rows/)),
  );
});

describe('a concatenation', () => {
  const part = (number: number, total: number | undefined): ImageFrame[] =>
    stack(
      () => ({ ConcatenationUID: '1.77', InConcatenationNumber: number, InConcatenationTotalNumber: total }),
      3,
    ).map((frame, k) => ({
      ...frame,
      attributes: { ...frame.attributes, ImagePositionPatient: ['0', '0', String(9 * number + 3 * k)] },
    }));
  const problems = (...parts: ImageFrame[][]) => splitSeries(parts.flat())[0]?.problem;

  it('that lacks a part is refused, and the part is named', () => {
    expect(problems(part(1, 2))).toMatch(/1\.77 lacks part 2 of 2/);
    expect(problems(part(3, 4), part(1, 4))).toMatch(/lacks part 2, 4 of 4/);
    expect(problems(part(1, undefined), part(3, undefined))).toMatch(/lacks part 2 of 3/);
  });

  it('that says different things of itself is refused', () => {
    expect(problems(part(1, 2), part(2, 3))).toMatch(/2 and 3 parts/);
    expect(problems(part(0, 1))).toMatch(/numbers its parts/);
  });

  it('is whole with all parts, in whatever order', () => {
    expect(problems(part(2, 3).slice(0), part(3, 3), part(1, 3))).not.toMatch(/lacks/);
  });
});
