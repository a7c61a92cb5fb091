import { describe, expect, it } from 'vitest';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import { imageFrames } from '../../src/dicom/geometry/image-frame.ts';
import { buildFrameVolume, buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { type Instance, number, readInstance, sequence, text } from '../../src/dicom/reading/dataset.ts';
import { readSegmentation } from '../../src/seg/read-segmentation.ts';
import {
  ENHANCED_MR,
  type EnhancedFrame,
  enhancedImage,
  resultsOfEnhanced,
  SHARED_MACROS,
} from '../support/enhanced-image.ts';
import { words } from '../support/part10.ts';

const frame = (z: number, value = z, macros: EnhancedFrame['macros'] = {}): EnhancedFrame => ({
  position: ['-10', '20', String(z)],
  values: Array<number>(12).fill(value),
  macros,
});

const stack = (id: string, z: readonly number[]) =>
  z.map((at) => frame(at, at, { FrameContentSequence: [{ StackID: id }] }));

async function refusal(instances: readonly Instance[]): Promise<DicomError> {
  const outcome = await buildVolume(instances).catch((error: unknown) => error);
  if (outcome instanceof DicomError) return outcome;
  throw outcome instanceof Error ? outcome : new Error('the series was not refused');
}

describe('the volume of an enhanced image', () => {
  it('has its frames in the order of their places, and says which is which', async () => {
    const { volume, slices } = await buildVolume([enhancedImage([6, 2, 4, 0].map((z) => frame(z)))]);
    expect(volume.size).toEqual([4, 3, 4]);
    expect(volume.affine).toEqual([1.5, 0, 0, -10, 0, 2, 0, 20, 0, 0, 2, 0, 0, 0, 0, 1]);
    expect([0, 1, 2, 3].map((k) => volume.voxels[k * 12])).toEqual([0, 2, 4, 6]);
    expect(slices.map(({ frameNumber }) => frameNumber)).toEqual([4, 2, 3, 1]);
  });

  it('takes each macro from the frame where it stands there, else from what all frames share', async () => {
    const ownScale = { PixelValueTransformationSequence: [{ RescaleSlope: '2', RescaleIntercept: '-100' }] };
    const { volume } = await buildVolume([enhancedImage([frame(0, 7), frame(2, 7, ownScale), frame(4, 7)])]);
    expect([0, 1, 2].map((k) => volume.voxels[k * 12])).toEqual([7, -86, 7]);
  });

  it('prefers the functional groups to the top level, where some scanners repeat the first frame', async () => {
    const top = { ImagePositionPatient: ['0', '0', '0'], PixelSpacing: ['9', '9'] };
    const { volume } = await buildVolume([enhancedImage([frame(0), frame(2)], top)]);
    expect(volume.affine.slice(0, 4)).toEqual([1.5, 0, 0, -10]);
  });

  it('may come from several instances', async () => {
    const first = enhancedImage([frame(0), frame(2)]);
    const second = enhancedImage([frame(4), frame(6)], { SOPInstanceUID: '2.25.1002' });
    const { volume, slices } = await buildVolume([second, first]);
    expect([0, 1, 2, 3].map((k) => volume.voxels[k * 12])).toEqual([0, 2, 4, 6]);
    expect(slices.map(({ sopInstanceUid, frameNumber }) => [sopInstanceUid, frameNumber])).toEqual([
      ['2.25.1001', 1],
      ['2.25.1001', 2],
      ['2.25.1002', 1],
      ['2.25.1002', 2],
    ]);
  });

  it('may be one of its parts', async () => {
    const image = enhancedImage([...stack('1', [0, 2, 4]), ...stack('2', [0, 2, 4])]);
    const part = imageFrames(image).filter(({ attributes }) => text(attributes, 'StackID') === '2');
    const { slices } = await buildFrameVolume(part);
    expect(slices.map(({ frameNumber }) => frameNumber)).toEqual([4, 5, 6]);
  });

  it('of MR needs no rescaling', async () => {
    const { PixelValueTransformationSequence: _, ...shared } = SHARED_MACROS;
    const mr = { SOPClassUID: ENHANCED_MR, Modality: 'MR' };
    const { volume } = await buildVolume([enhancedImage([frame(0, 5), frame(2, 6)], mr, shared)]);
    expect([volume.voxels[0], volume.voxels[12]]).toEqual([5, 6]);
  });
});

describe('an enhanced image is refused', () => {
  it('with several stacks at the same places, named with what tells them apart', async () => {
    const { code, message } = await refusal([
      enhancedImage([...stack('1', [0, 2, 4]), ...stack('2', [0, 2, 4])]),
    ]);
    expect(code).toBe('DICOM_GEOMETRY');
    expect(message).toContain('3 slice(s) lie where another one lies: enhanced 1001, frame 1 and');
    expect(message).toMatch(/; the images differ in StackID \(1: 3, 2: 3\)$/);
  });

  it('with several phases, named by their time', async () => {
    const phases = [1, 2].flatMap((phase) =>
      [0, 2, 4].map((z) => frame(z, z, { FrameContentSequence: [{ TemporalPositionIndex: phase }] })),
    );
    expect((await refusal([enhancedImage(phases)])).message).toMatch(
      /differ in TemporalPositionIdentifier \(1: 3, 2: 3;/,
    );
  });

  it('with a frame missing, naming the frames around the gap', async () => {
    const { message } = await refusal([enhancedImage([0, 2, 4, 8, 10].map((z) => frame(z)))]);
    expect(message).toContain('4.00 mm between enhanced 1001, frame 3 and enhanced 1001, frame 4');
  });

  it('that describes another number of frames than it has', async () => {
    const two = enhancedImage([frame(0), frame(2)]);
    const dataset = { ...two.dataset, NumberOfFrames: '3' };
    expect((await refusal([{ ...two, dataset }])).message).toBe(
      'enhanced 1001: PerFrameFunctionalGroupsSequence has 2 item(s) for 3 frame(s)',
    );
  });

  it('whose frame has no place, naming the frame', async () => {
    const image = enhancedImage([frame(0), { ...frame(2), position: [] }]);
    expect((await refusal([image])).message).toMatch(/^enhanced 1001, frame 2: ImagePositionPatient /);
  });

  it('where CT numbers would be a guess', async () => {
    const { PixelValueTransformationSequence: _, ...shared } = SHARED_MACROS;
    expect((await refusal([enhancedImage([frame(0), frame(2)], {}, shared)])).message).toBe(
      'enhanced 1001, frame 1: RescaleSlope is missing, needs a number',
    );
  });
});

describe('a SEG of an enhanced image', () => {
  it('names the frames that it was made of, and the image once', async () => {
    const { segmentation } = await resultsOfEnhanced();
    const { dataset } = readInstance(segmentation.bytes, 'SEG');
    const sources = sequence(dataset, 'PerFrameFunctionalGroupsSequence')
      .flatMap((group) => sequence(group, 'DerivationImageSequence'))
      .flatMap((derivation) => sequence(derivation, 'SourceImageSequence'));
    expect(sources.map((source) => number(source, 'ReferencedFrameNumber'))).toEqual([2, 1]);
    const [series] = sequence(dataset, 'ReferencedSeriesSequence');
    expect(sequence(series ?? {}, 'ReferencedInstanceSequence')).toHaveLength(1);
    const [shared] = sequence(dataset, 'SharedFunctionalGroupsSequence');
    expect(sequence(shared ?? {}, 'PixelMeasuresSequence')[0]).toMatchObject({
      PixelSpacing: ['2', '1.5'],
      SpacingBetweenSlices: '2',
    });
  });

  it('is read back as the mask', async () => {
    const { segmentation, series, mask } = await resultsOfEnhanced();
    expect(readSegmentation(segmentation.bytes, series)).toEqual(mask);
  });
});

it('frames of 16 bits are cut where they begin', async () => {
  const image = enhancedImage([frame(0), frame(2)], {
    PixelData: words(Array.from({ length: 24 }, (_, i) => i)),
  });
  expect([...(await buildVolume([image])).volume.voxels]).toEqual(Array.from({ length: 24 }, (_, i) => i));
});
