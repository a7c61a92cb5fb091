import { describe, expect, it } from 'vitest';
import { readInstance, sequence, text, texts } from '../../src/dicom/reading/dataset.ts';
import { createPdf } from '../../src/pictures/encapsulated-pdf.ts';
import { percentileWindow } from '../../src/pictures/grey-window.ts';
import type { PictureInput } from '../../src/pictures/picture-input.ts';
import { createPictures } from '../../src/pictures/secondary-capture.ts';
import { AXIAL, boxMask, boxSeries, pictureInput } from '../support/picture-fixtures.ts';
import { context } from '../support/result-fixtures.ts';

const objects = (input: PictureInput) => [...createPictures(input), createPdf(input)];
const uids = (input: PictureInput): string[] =>
  objects(input).flatMap(({ sopInstanceUid, seriesInstanceUid }) => [sopInstanceUid, seriesInstanceUid]);

describe('pictures and PDF', () => {
  it('are the same bytes for the same input', () => {
    const [first, second] = [objects(pictureInput()), objects(pictureInput())];
    for (const [index, { bytes }] of first.entries()) {
      expect(Buffer.compare(bytes, second[index]?.bytes ?? Uint8Array.of())).toBe(0);
    }
  });

  it('keep their UIDs when made at another time, and have others when they say anything else', () => {
    const given = pictureInput();
    const later = {
      ...given,
      context: { ...given.context, contentDateTime: new Date('2025-05-05T05:05:05Z') },
    };
    expect(uids(later)).toEqual(uids(given));
    const others = [
      pictureInput({ remarks: ['Slices are thick: the volume is less exact'] }),
      pictureInput({ earlier: [{ date: '20230101', volumeMl: 70, comparable: true }] }),
      pictureInput({
        related: [{ kind: 'report', sopClassUid: '1.2.840.10008.5.1.4.1.1.88.33', sopInstanceUid: '2.25.1' }],
      }),
      pictureInput({ context: { ...given.context, contentQualification: 'PRODUCT' } }),
    ];
    const all = [given, ...others].flatMap(uids);
    expect(new Set(all).size).toBe(new Set(uids(given)).size * (others.length + 1));
  });

  it('are one series of a summary and three key images, each naming its source images', () => {
    const series = createPictures(pictureInput());
    expect(new Set(series.map(({ seriesInstanceUid }) => seriesInstanceUid)).size).toBe(1);
    const headers = series.map(({ bytes }) => readInstance(bytes, 'SC').dataset);
    expect(headers.map((header) => text(header, 'InstanceNumber'))).toEqual(['1', '2', '3', '4']);
    expect(headers.map((header) => texts(header, 'PatientOrientation'))).toEqual([
      [],
      ['L', 'P'],
      ['L', 'F'],
      ['P', 'F'],
    ]);
    expect(headers.map((header) => sequence(header, 'SourceImageSequence').length)).toEqual([20, 1, 20, 20]);
    const [axial] = sequence(headers[1] ?? {}, 'SourceImageSequence');
    // Plane 6, the middle of 4 to 9.
    expect(text(axial ?? {}, 'ReferencedSOPInstanceUID')).toBe('1.2.840.99999.1.3.7');
    expect(headers.every((header) => text(header, 'BurnedInAnnotation') === 'YES')).toBe(true);
  });

  it('are the summary alone where nothing was found', () => {
    const mask = new Uint8Array(boxMask().length);
    const nothing = pictureInput({
      measurement: undefined,
      context: context({ series: boxSeries(AXIAL), mask }),
    });
    expect(createPictures(nothing)).toHaveLength(1);
  });
});

describe('the grey window of MR', () => {
  it('leaves out the ends of the distribution, but nothing of the organ', () => {
    const voxels = Float32Array.from({ length: 10_000 }, (_, index) => index);
    const nowhere = new Uint8Array(10_000);
    expect(percentileWindow(voxels, nowhere)).toMatchObject({ low: 101, high: 9899 });
    const bright = nowhere.with(9_999, 1);
    expect(percentileWindow(voxels, bright)).toMatchObject({ low: 101, high: 9999 });
    expect(percentileWindow(new Float32Array(10), nowhere.slice(0, 10))).toMatchObject({ low: 0, high: 1 });
  });
});
