import { describe, expect, test } from 'vitest';
import { type DicomDataset, number, readInstance, sequence, text } from '../../src/dicom/reading/dataset.ts';
import { SEGMENTATION_FORMS, type SegmentationForm } from '../../src/results/result-context.ts';
import { pancreasSegmentNumber, segmentFrames } from '../../src/seg/read-frames.ts';
import { readSegmentation } from '../../src/seg/read-segmentation.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { context, SMALL_SIZE, smallMask, smallSeries } from '../support/result-fixtures.ts';

/** The mask's voxels are likely; beside them, and in a plane of its own, voxels that are possible. */
function softMask(): Uint8Array {
  const soft = smallMask([1, 2, 3]).map((inside) => (inside ? 200 : 0));
  soft[4 * SMALL_SIZE[0] * SMALL_SIZE[1] + 12] = 77;
  return soft;
}

const given = context({ softMask: softMask() });

function written(form: SegmentationForm) {
  const object = createSegmentation(given, form);
  if (!object) throw new Error('nothing was written');
  return { ...object, instance: readInstance(object.bytes, form) };
}

const dimensionCount = (dataset: DicomDataset) => sequence(dataset, 'DimensionIndexSequence').length;

describe('the forms of a SEG', () => {
  test.each(SEGMENTATION_FORMS)('%s reads back as the mask', (form) => {
    expect(readSegmentation(written(form).bytes, smallSeries())).toEqual(given.mask);
  });

  test('have UIDs and series of their own, the same for the same work', () => {
    const objects = SEGMENTATION_FORMS.flatMap((form) => [written(form), written(form)]);
    expect(new Set(objects.map(({ sopInstanceUid }) => sopInstanceUid)).size).toBe(3);
    expect(new Set(objects.map(({ seriesInstanceUid }) => seriesInstanceUid)).size).toBe(3);
    expect(new Set(objects.map(({ bytes }) => Buffer.from(bytes).toString('base64'))).size).toBe(3);
    const shown = SEGMENTATION_FORMS.map((form) => {
      const { dataset } = written(form).instance;
      return [text(dataset, 'SeriesNumber'), text(dataset, 'SeriesDescription'), text(dataset, 'Modality')];
    });
    expect(shown).toEqual([
      ['3901', 'Pancreas segmentation (PanSegNet CT)', 'SEG'],
      ['3905', 'Pancreas probability (PanSegNet CT)', 'SEG'],
      ['3906', 'Pancreas label map (PanSegNet CT)', 'SEG'],
    ]);
  });

  test('fractional holds the probability in 255ths, also in planes that the mask leaves empty', () => {
    const { dataset, frames } = written('fractional').instance;
    expect(text(dataset, 'SegmentationFractionalType')).toBe('PROBABILITY');
    expect(number(dataset, 'MaximumFractionalValue')).toBe(255);
    expect(frames).toHaveLength(4);
    expect(frames[0]?.[10]).toBe(200);
    expect(frames[3]?.[12]).toBe(77);
  });

  test('fractional is refused where no probability is known', () => {
    expect(() => createSegmentation(context(), 'fractional')).toThrow(/needs the probability/);
  });

  test('a label map says what 0 stands for, and has no dimension of segments', () => {
    const { dataset } = written('labelmap').instance;
    expect(text(dataset, 'SOPClassUID')).toBe('1.2.840.10008.5.1.4.1.1.66.7');
    expect(number(dataset, 'PixelPaddingValue')).toBe(0);
    expect(sequence(dataset, 'SegmentSequence').map((item) => number(item, 'SegmentNumber'))).toEqual([0, 1]);
    expect(dimensionCount(dataset)).toBe(1);
    expect(dimensionCount(written('binary').instance.dataset)).toBe(2);
    expect(pancreasSegmentNumber(dataset)).toBe(1);
  });

  test('of an empty mask are not written', () => {
    const empty = context({ mask: smallMask([]), softMask: softMask() });
    for (const form of SEGMENTATION_FORMS) expect(createSegmentation(empty, form)).toBeUndefined();
  });
});

describe('reading a SEG that another program wrote', () => {
  test('gives the frames of the asked segment alone, also of label maps of 16 bits', () => {
    const dataset = {
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.66.7',
      SegmentationType: 'LABELMAP',
      Rows: 1,
      Columns: 3,
      NumberOfFrames: '2',
      BitsAllocated: 16,
      PerFrameFunctionalGroupsSequence: [{}, {}],
    };
    const values = Uint16Array.of(0, 300, 1, 300, 0, 0);
    const instance = {
      dataset,
      transferSyntaxUid: '1.2.840.10008.1.2.1',
      frames: [new Uint8Array(values.buffer, 0, 6), new Uint8Array(values.buffer, 6, 6)],
      source: 'SEG',
    };
    expect(segmentFrames(instance, 300).map(({ pixels }) => [...pixels])).toEqual([
      [0, 1, 0],
      [1, 0, 0],
    ]);
    expect(segmentFrames(instance, 1).map(({ pixels }) => [...pixels])).toEqual([
      [0, 0, 1],
      [0, 0, 0],
    ]);
  });

  test('is refused with the reason where it is no SEG, compressed, or short of frames', () => {
    const { instance } = written('binary');
    const changed = (changes: object, more: object = {}) => ({
      ...instance,
      ...more,
      dataset: { ...instance.dataset, ...changes },
    });
    expect(() => segmentFrames(changed({ SOPClassUID: '1.2' }), 1)).toThrow(/not a Segmentation/);
    expect(() => segmentFrames(changed({}, { transferSyntaxUid: '1.2.840.10008.1.2.5' }), 1)).toThrow(
      /compressed/,
    );
    expect(() => segmentFrames(changed({ NumberOfFrames: '4' }), 1)).toThrow(/not the groups or pixels/);
    expect(() => segmentFrames(changed({ SegmentationType: 'OTHER' }), 1)).toThrow(/is not read/);
  });
});
