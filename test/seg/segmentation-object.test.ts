import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SeriesVolume } from '../../src/dicom/geometry/series-volume.ts';
import { nonEmptyPlanes, packBits, unpackBits } from '../../src/dicom/pixels/bit-packing.ts';
import {
  type DicomDataset,
  readInstance,
  sequence,
  text,
  verbatim,
} from '../../src/dicom/reading/dataset.ts';
import type { ResultContext } from '../../src/results/result-context.ts';
import { readSegmentation } from '../../src/seg/read-segmentation.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { CT_MODEL, context, header, SMALL_SIZE, smallMask, smallSeries } from '../support/result-fixtures.ts';

const [NX, NY, NZ] = SMALL_SIZE;

function segmentationOf(given: ResultContext) {
  const object = createSegmentation(given);
  if (!object) throw new Error('nothing was written');
  return { ...object, dataset: readInstance(object.bytes, 'SEG').dataset };
}

const at = (dataset: DicomDataset, ...keywords: string[]): DicomDataset =>
  keywords.reduce((inner, keyword) => sequence(inner, keyword)[0] ?? {}, dataset);

const kind = (planes: number[]) =>
  text(segmentationOf(context({ mask: smallMask(planes) })).dataset, 'DimensionOrganizationType');

const uid = (changes: Partial<ResultContext>) => segmentationOf(context(changes)).sopInstanceUid;

const dateOf = (changes: Partial<ResultContext>) => {
  const { dataset } = segmentationOf(context(changes));
  return [text(dataset, 'ContentDate'), text(dataset, 'ContentTime'), text(dataset, 'TimezoneOffsetFromUTC')];
};

const numberOf = (SeriesNumber: string | undefined) =>
  text(segmentationOf(context({ series: smallSeries({ SeriesNumber }) })).dataset, 'SeriesNumber');

const procedures = (code: object) =>
  sequence(
    segmentationOf(context({ series: smallSeries({ ProcedureCodeSequence: [code] }) })).dataset,
    'ProcedureCodeSequence',
  );

describe('bit packing', () => {
  test('bits run on across frames, first voxel in the lowest bit, padded to even bytes', () => {
    const mask = Uint8Array.from([1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1]); // three frames of 5
    expect([...packBits(mask, 5, [0, 1, 2])]).toEqual([0b11110001, 0b01000000]);
    expect([...packBits(mask, 5, [1])]).toEqual([0b00111, 0]);
  });

  test('unpacking gives back every mask', () => {
    const frames = fc
      .integer({ min: 1, max: 20 })
      .chain((length) =>
        fc.tuple(
          fc.constant(length),
          fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: length, maxLength: length })),
        ),
      );
    fc.assert(
      fc.property(frames, ([length, rows]) => {
        const mask = Uint8Array.from(rows.flat());
        const planes = nonEmptyPlanes(mask, length);
        const packed = packBits(mask, length, planes);
        expect(planes).toEqual(rows.flatMap((row, k) => (row.some((v) => v !== 0) ? [k] : [])));
        for (const [frame, plane] of planes.entries()) {
          const expected = rows[plane]?.map((v) => (v === 0 ? 0 : 1));
          expect([...unpackBits(packed, frame * length, length)]).toEqual(expected);
        }
      }),
    );
  });
});

describe('a SEG', () => {
  test('of an empty mask is not written', () => {
    expect(createSegmentation(context({ mask: smallMask([]) }))).toBeUndefined();
  });

  test('holds the frames that are not empty, and no others', () => {
    const { dataset } = segmentationOf(context({ mask: smallMask([1, 4]) }));
    const positions = sequence(dataset, 'PerFrameFunctionalGroupsSequence').map((groups) =>
      verbatim(at(groups, 'PlanePositionSequence'), 'ImagePositionPatient'),
    );
    expect(text(dataset, 'NumberOfFrames')).toBe('2');
    expect(positions).toEqual([
      ['-10.50', '-20.250', '2.500'],
      ['-10.50', '-20.250', '10.000'],
    ]);
  });

  test('copies orientation and spacing character by character', () => {
    const orientation = ['1.0', '-0.0', '0.00000', '+0', '1e0', '0'];
    const series = smallSeries({ ImageOrientationPatient: orientation });
    const shared = at(segmentationOf(context({ series })).dataset, 'SharedFunctionalGroupsSequence');
    expect(verbatim(at(shared, 'PlaneOrientationSequence'), 'ImageOrientationPatient')).toEqual(orientation);
    const measures = at(shared, 'PixelMeasuresSequence');
    expect(verbatim(measures, 'PixelSpacing')).toEqual(['0.9000', '0.80']);
    expect(verbatim(measures, 'SliceThickness')).toEqual(['2.50']);
    expect(verbatim(measures, 'SpacingBetweenSlices')).toEqual(['2.5']);
  });

  test('shortens a decimal string that is too long for DICOM without changing its value', () => {
    const series = smallSeries({
      ImagePositionPatient: ['-298.04998779296875', '1.2345678901234567e-05', '3'],
    });
    const { dataset } = segmentationOf(context({ series, mask: smallMask([0]) }));
    const position = verbatim(
      at(dataset, 'PerFrameFunctionalGroupsSequence', 'PlanePositionSequence'),
      'ImagePositionPatient',
    );
    expect(position.every((value) => value.length <= 16)).toBe(true);
    expect(position.map(Number)).toEqual([
      expect.closeTo(-298.049987793, 8),
      expect.closeTo(1.23456789e-5, 13),
      3,
    ]);
  });

  test('names every source instance at the top, and each frame its own', () => {
    const { dataset } = segmentationOf(context({ mask: smallMask([0, 5]) }));
    const instances = sequence(at(dataset, 'ReferencedSeriesSequence'), 'ReferencedInstanceSequence');
    expect(text(at(dataset, 'ReferencedSeriesSequence'), 'SeriesInstanceUID')).toBe('1.2.840.99999.1.3');
    expect(instances.map((item) => text(item, 'ReferencedSOPInstanceUID'))).toEqual(
      smallSeries().slices.map((slice) => slice.sopInstanceUid),
    );
    const sources = sequence(dataset, 'PerFrameFunctionalGroupsSequence').map((groups) =>
      text(at(groups, 'DerivationImageSequence', 'SourceImageSequence'), 'ReferencedSOPInstanceUID'),
    );
    expect(sources).toEqual(['1.2.840.99999.1.3.1', '1.2.840.99999.1.3.6']);
  });

  test('takes positions and frame numbers of a multi-frame source from its functional groups', () => {
    const groups = Array.from({ length: NZ }, (_, k) => ({
      PlanePositionSequence: [{ ImagePositionPatient: ['0', '0', `${k}.00`] }],
    }));
    const shared = {
      PlaneOrientationSequence: [{ ImageOrientationPatient: ['0', '1', '0', '0', '0', '-1'] }],
      PixelMeasuresSequence: [{ PixelSpacing: ['0.5', '0.5'], SliceThickness: '1.0' }],
    };
    const dataset = header(0, {
      ImagePositionPatient: undefined,
      ImageOrientationPatient: undefined,
      PixelSpacing: undefined,
      SharedFunctionalGroupsSequence: [shared],
      PerFrameFunctionalGroupsSequence: groups,
    });
    const slices = groups.map((_, k) => ({
      sopClassUid: '1.2.840.10008.5.1.4.1.1.4.1',
      sopInstanceUid: '1.2.840.99999.7',
      frameNumber: k + 1,
      dataset,
    }));
    const series: SeriesVolume = { ...smallSeries(), slices };
    const mask = smallMask([2, 3]);
    const seg = segmentationOf(context({ series, mask }));
    const [first] = sequence(seg.dataset, 'PerFrameFunctionalGroupsSequence');
    const source = at(first ?? {}, 'DerivationImageSequence', 'SourceImageSequence');
    expect(verbatim(at(first ?? {}, 'PlanePositionSequence'), 'ImagePositionPatient')).toEqual([
      '0',
      '0',
      '2.00',
    ]);
    expect(text(source, 'ReferencedFrameNumber')).toBe('3');
    expect(sequence(at(seg.dataset, 'ReferencedSeriesSequence'), 'ReferencedInstanceSequence')).toHaveLength(
      1,
    );
    expect(readSegmentation(seg.bytes, series)).toEqual(mask);
  });

  test('is called 3D only where its frames are one unbroken run', () => {
    expect(kind([1, 2, 3])).toBe('3D');
    expect(kind([1, 3])).toBeUndefined();
    expect(kind([2])).toBeUndefined();
  });

  test('reads back as the same mask, whatever the mask and however the planes lie', () => {
    const directions = fc.constantFrom(
      ...(['1\\0\\0\\0\\1\\0', '-1\\0\\0\\0\\1\\0', '1\\0\\0\\0\\-1\\0', '-1\\0\\0\\0\\-1\\0'] as const),
      ...(['1\\0\\0\\0\\0\\-1', '0\\1\\0\\0\\0\\-1', '0\\1\\0\\1\\0\\0'] as const),
    );
    const voxels = fc.uint8Array({ min: 0, max: 1, minLength: NX * NY * NZ, maxLength: NX * NY * NZ });
    fc.assert(
      fc.property(directions, voxels, (direction, mask) => {
        const series = smallSeries({ ImageOrientationPatient: direction.split('\\') });
        const object = createSegmentation(context({ series, mask }));
        const read = object ? readSegmentation(object.bytes, series) : new Uint8Array(mask.length);
        expect(read).toEqual(mask);
      }),
      { numRuns: 40 },
    );
  });

  test('is not read onto a series that it does not lie on', () => {
    const { bytes } = segmentationOf(context());
    const moved = smallSeries();
    const slices = moved.slices.map((slice, k) => ({
      ...slice,
      dataset: header(k, { ImagePositionPatient: ['-10.50', '-20.250', (k * 2.5 + 1).toFixed(3)] }),
    }));
    expect(() => readSegmentation(bytes, { ...moved, slices })).toThrow(/lies on no plane/);
    const renamed = moved.slices.map((slice) => ({ ...slice, sopInstanceUid: `${slice.sopInstanceUid}.9` }));
    expect(() => readSegmentation(bytes, { ...moved, slices: renamed })).toThrow(/does not name the image/);
  });

  test('of a mask on another grid is refused', () => {
    expect(() => createSegmentation(context({ mask: new Uint8Array(NX * NY) }))).toThrow(
      expect.objectContaining({ code: 'DICOM_GEOMETRY' }),
    );
  });
});

describe('the UID of a SEG', () => {
  test('is the same for the same work, whenever it is done, and so are the bytes at the recorded time', () => {
    expect(segmentationOf(context()).bytes).toEqual(segmentationOf(context()).bytes);
    expect(uid({ contentDateTime: new Date('2030-01-01T00:00:00Z') })).toBe(uid({}));
  });

  test('does not depend on the order of the planes', () => {
    const series = smallSeries();
    const reversed = { ...series, slices: series.slices.toReversed() };
    expect(uid({ series: reversed })).toBe(uid({}));
  });

  test('is another one for another set of images, part, model, or mode', () => {
    const series = smallSeries();
    const lateSlice = series.slices.map((slice, k) =>
      k === 5 ? { ...slice, sopInstanceUid: '1.2.3' } : slice,
    );
    const uids = [
      uid({}),
      uid({ part: '2' }),
      uid({ model: { ...CT_MODEL, sha256: 'cd'.repeat(32) } }),
      uid({ model: { ...CT_MODEL, mode: 'fast' } }),
      uid({ series: { ...series, slices: lateSlice } }),
    ];
    expect(new Set(uids).size).toBe(uids.length);
  });
});

describe('what a SEG says about patient, study and origin', () => {
  test('names are repeated in UTF-8, whatever the script', () => {
    const name = 'Wang^XiaoDong=王^小东=';
    const { bytes, dataset } = segmentationOf(context({ series: smallSeries({ PatientName: name }) }));
    expect(text(dataset, 'SpecificCharacterSet')).toBe('ISO_IR 192');
    expect(Buffer.from(bytes).includes('Wang^XiaoDong=王^小东')).toBe(true);
  });

  test('missing attributes of type 2 are there, empty', () => {
    const series = smallSeries({ PatientBirthDate: undefined, AccessionNumber: '', StudyID: undefined });
    const { dataset } = segmentationOf(context({ series }));
    for (const keyword of ['PatientBirthDate', 'AccessionNumber', 'StudyID']) {
      expect(dataset).toHaveProperty(keyword);
      expect(text(dataset, keyword)).toBeUndefined();
    }
  });

  test('invalid optional attributes are left out and named, identifying ones are kept', () => {
    const issuer = 'an issuer that is longer than the sixty-four characters that LO allows it';
    const series = smallSeries({
      PatientAge: '0Y',
      PatientWeight: '0',
      ClinicalTrialSponsorName: '',
      ClinicalTrialProtocolID: '6668',
      IssuerOfPatientID: issuer,
    });
    const { dataset, warnings } = segmentationOf(context({ series }));
    for (const keyword of [
      'PatientAge',
      'PatientWeight',
      'ClinicalTrialSponsorName',
      'ClinicalTrialProtocolID',
    ]) {
      expect(dataset).not.toHaveProperty(keyword);
    }
    expect(warnings.join('\n')).toMatch(/PatientAge.*\n.*PatientWeight.*\n.*Clinical Trial Subject/s);
    expect(warnings.join('\n')).not.toContain('0Y');
    expect(text(dataset, 'IssuerOfPatientID')).toBe(issuer);
  });

  test('codes of withdrawn schemes are left out with their sequence', () => {
    const item = { CodeValue: 'P5-08000', CodingSchemeDesignator: 'SRT', CodeMeaning: 'CT' };
    const kept = { ...item, CodingSchemeDesignator: 'SCT', CodeValue: '77477000' };
    expect(procedures(item)).toEqual([]);
    expect(procedures(kept)).toEqual([kept]);
  });

  test("a model's notice is in the descriptions that viewers show", () => {
    const model = { ...CT_MODEL, notice: 'synthetic demo, not for patients' };
    const { dataset } = segmentationOf(context({ model }));
    expect(text(dataset, 'SeriesDescription')).toBe(
      'Pancreas segmentation: synthetic demo, not for patients',
    );
    expect(text(dataset, 'ContentDescription')).toBe('Pancreas: synthetic demo, not for patients');
    expect(text(segmentationOf(context()).dataset, 'SeriesDescription')).toBe(
      'Pancreas segmentation (PanSegNet CT)',
    );
  });

  test('the date is local to the source where that states its zone, else to the site', () => {
    const contentDateTime = new Date('2024-01-11T23:30:00Z');
    expect(dateOf({ contentDateTime, utcOffsetMinutes: 60 })).toEqual(['20240112', '003000', undefined]);
    const series = smallSeries({ TimezoneOffsetFromUTC: '-0530' });
    expect(dateOf({ contentDateTime, series })).toEqual(['20240111', '180000', '-0530']);
  });

  test('series numbers fit their VR, whatever the source says', () => {
    expect(numberOf('3')).toBe('3901');
    expect(numberOf(undefined)).toBe('901');
    expect(numberOf('2147483647')).toBe('901');
    expect(numberOf('-7')).toBe('901');
  });
});
