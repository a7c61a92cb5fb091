import { describe, expect, it } from 'vitest';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { type Instance, readInstance, text } from '../../src/dicom/reading/dataset.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { spacingOf } from '../../src/dicom/volume.ts';
import { encodeHtj2k } from '../support/htj2k-encoder.ts';
import { type Attributes, ctAttributes, MR_IMAGE, part10, words } from '../support/part10.ts';

/** `count` slices, `step` mm apart along z; slice k has the value k everywhere. */
function ctSeries(count: number, over: (k: number) => Attributes = () => ({}), step = 2.5): Instance[] {
  return Array.from({ length: count }, (_, k) =>
    ctSlice({
      SOPInstanceUID: `2.25.10${k}`,
      ImagePositionPatient: ['-10', '20', String(5 + k * step)],
      PixelData: words(Array<number>(12).fill(k)),
      ...over(k),
    }),
  );
}

function ctSlice(attributes: Attributes, transferSyntaxUid?: string): Instance {
  const bytes = part10(ctAttributes(attributes), transferSyntaxUid);
  return readInstance(bytes, `slice ${String(attributes['SOPInstanceUID']).slice(7)}`);
}

async function refusal(instances: readonly Instance[]): Promise<DicomError> {
  const outcome = await buildVolume(instances).catch((error: unknown) => error);
  if (outcome instanceof DicomError) return outcome;
  throw outcome instanceof Error ? outcome : new Error('the series was not refused');
}

describe('buildVolume', () => {
  it('sorts slices along the normal, whatever order they come in', async () => {
    const { volume, slices, lossy, warnings } = await buildVolume(ctSeries(5).toReversed());
    expect(volume.size).toEqual([4, 3, 5]);
    expect(volume.affine).toEqual([1.5, 0, 0, -10, 0, 2, 0, 20, 0, 0, 2.5, 5, 0, 0, 0, 1]);
    expect([0, 1, 2, 3, 4].map((k) => volume.voxels[k * 12])).toEqual([0, 1, 2, 3, 4]);
    expect(slices.map(({ sopInstanceUid }) => sopInstanceUid)).toEqual(
      [0, 1, 2, 3, 4].map((k) => `2.25.10${k}`),
    );
    expect(text(slices[2]?.dataset ?? {}, 'SOPInstanceUID')).toBe('2.25.102');
    expect([lossy, warnings]).toEqual([false, []]);
  });

  it('takes the slice distance from the positions, not from SliceThickness', async () => {
    const { volume } = await buildVolume(ctSeries(3, () => ({ SliceThickness: '5' })));
    expect(spacingOf(volume.affine)[2]).toBe(2.5);
  });

  it('accepts positions that were rounded to one decimal', async () => {
    const rounded = ctSeries(40, (k) => ({ ImagePositionPatient: ['0', '0', (k * 0.625).toFixed(1)] }));
    expect(spacingOf((await buildVolume(rounded)).volume.affine)[2]).toBeCloseTo(0.625, 2);
  });

  it('warns where FrameOfReferenceUID is missing everywhere', async () => {
    const { warnings } = await buildVolume(ctSeries(3, () => ({ FrameOfReferenceUID: undefined })));
    expect(warnings).toEqual(['FrameOfReferenceUID is missing: other series cannot be laid over this one']);
  });

  it('reads images that lack what neither place nor value depends on', async () => {
    const bare = {
      Modality: undefined,
      PhotometricInterpretation: '',
      SamplesPerPixel: undefined,
      BitsStored: undefined,
      HighBit: undefined,
      PatientID: '',
      PatientName: undefined,
      ImageType: undefined,
    };
    const { volume, warnings } = await buildVolume(ctSeries(3, () => bare));
    expect([0, 1, 2].map((k) => volume.voxels[k * 12])).toEqual([0, 1, 2]);
    expect(warnings).toEqual(['PhotometricInterpretation is missing or empty: taken for MONOCHROME2']);
  });

  it('warns of a name that cannot be read, and refuses such a PatientID', async () => {
    const garbled = (keyword: string) =>
      ctSeries(2).map((slice) => ({ ...slice, dataset: { ...slice.dataset, [keyword]: 'M\ufffdller' } }));
    expect((await buildVolume(garbled('PatientName'))).warnings).toEqual([
      'PatientName has characters that cannot be read in its SpecificCharacterSet',
    ]);
    expect((await refusal(garbled('PatientID'))).message).toBe(
      'slice 0 and 1 more: cannot be read in this SpecificCharacterSet: PatientID',
    );
  });

  it('without identity is built where none is needed, and says what is missing', async () => {
    const blank = { SOPClassUID: '', SOPInstanceUID: '', StudyInstanceUID: '', SeriesInstanceUID: '' };
    const named = ctSeries(3, () => blank).map((slice, k) => ({ ...slice, source: `slice ${k}` }));
    const { slices, warnings } = await buildVolume(named, { identity: 'optional' });
    expect(slices.map(({ sopInstanceUid }) => sopInstanceUid)).toEqual(['', '', '']);
    expect(warnings).toEqual([
      'slice 0 and 2 more: missing or empty, but needed for identity: SOPClassUID, SOPInstanceUID, ' +
        'StudyInstanceUID, SeriesInstanceUID',
    ]);
    expect(await refusal(named)).toMatchObject({ code: 'DICOM_ATTRIBUTE', message: warnings[0] });
  });

  it('flags lossy compression that happened at any time', async () => {
    const once = ctSeries(3, (k) =>
      k === 1 ? { LossyImageCompression: '01' } : { LossyImageCompression: '00' },
    );
    expect((await buildVolume(once)).lossy).toBe(true);
    const never = ctSeries(3, () => ({ LossyImageCompression: '00' }));
    expect((await buildVolume(never)).lossy).toBe(false);
  });
});

describe('the flag of lossy compression', () => {
  it('is raised by a codestream that says so, where the transfer syntax leaves it open', async () => {
    const image = { rows: 3, columns: 4, bits: 12, signed: false };
    const values = Array.from({ length: 12 }, (_, i) => i * 300);
    const flags = [undefined, 0.01].map(async (step) => {
      const frame = await encodeHtj2k(values, image, step);
      const even = frame.length % 2 === 0 ? frame : Uint8Array.from([...frame, 0]);
      const series = [0, 1].map((k) =>
        ctSlice(
          {
            SOPInstanceUID: `2.25.10${k}`,
            ImagePositionPatient: ['0', '0', String(k)],
            BitsStored: 12,
            HighBit: 11,
            PixelRepresentation: 0,
            PixelData: [even.buffer],
          },
          TRANSFER_SYNTAX.htj2k,
        ),
      );
      return (await buildVolume(series)).lossy;
    });
    expect(await Promise.all(flags)).toEqual([false, true]);
  });
});

describe('voxel values', () => {
  it('are rescaled slice by slice and stay Int16 for integers', async () => {
    const series = ctSeries(3, (k) => ({ RescaleSlope: String(k + 1), RescaleIntercept: '-1024' }));
    const { voxels } = (await buildVolume(series)).volume;
    expect(voxels).toBeInstanceOf(Int16Array);
    expect([voxels[0], voxels[12], voxels[24]]).toEqual([-1024, -1022, -1018]);
  });

  it('are Float32 for a slope that is no integer', async () => {
    const { voxels } = (await buildVolume(ctSeries(3, () => ({ RescaleSlope: '0.5' })))).volume;
    expect(voxels).toBeInstanceOf(Float32Array);
    expect([voxels[0], voxels[12], voxels[24]]).toEqual([0, 0.5, 1]);
  });

  it('become Float32 where a later slice does not fit Int16, and the slices before keep their values', async () => {
    const series = ctSeries(3, (k) => (k === 2 ? { RescaleIntercept: '40000' } : {}));
    const { voxels } = (await buildVolume(series)).volume;
    expect(voxels).toBeInstanceOf(Float32Array);
    expect([voxels[0], voxels[12], voxels[24]]).toEqual([0, 1, 40_002]);
  });

  it('of padding are air in CT and no signal in MR', async () => {
    const padded = {
      PixelPaddingValue: -2000,
      PixelData: words([63_536, 63_537, ...Array<number>(10).fill(8)]),
    };
    const ct = await buildVolume(ctSeries(2, () => padded));
    expect([...ct.volume.voxels.subarray(0, 3)]).toEqual([-1024, -1999, 8]);
    const mrSeries = ctSeries(2, () => ({ ...padded, SOPClassUID: MR_IMAGE, Modality: 'MR' }));
    expect([...(await buildVolume(mrSeries)).volume.voxels.subarray(0, 3)]).toEqual([0, -1999, 8]);
  });

  it('of padding are found in implicit VR too, where their sign is lost, and up to a range limit', async () => {
    const slices = [0, 1].map((k) =>
      ctSlice(
        {
          SOPInstanceUID: `2.25.10${k}`,
          ImagePositionPatient: ['0', '0', String(k)],
          PixelPaddingValue: -2000,
          PixelPaddingRangeLimit: -1998,
          PixelData: words([63_536, 63_537, 63_538, 63_539, ...Array<number>(8).fill(0)]),
        },
        TRANSFER_SYNTAX.implicitLittleEndian,
      ),
    );
    const { voxels } = (await buildVolume(slices)).volume;
    expect([...voxels.subarray(0, 5)]).toEqual([-1024, -1024, -1024, -1997, 0]);
  });

  it('of padding are kept in CT where padding would be tissue: some writers fill the attribute with 0', async () => {
    const water = { PixelPaddingValue: 0, PixelData: words([0, 1, 40, ...Array<number>(9).fill(7)]) };
    const { voxels } = (await buildVolume(ctSeries(2, () => water))).volume;
    expect([...voxels.subarray(0, 3)]).toEqual([0, 1, 40]);
  });

  it('of MONOCHROME1 are HU all the same in CT, with a warning', async () => {
    const { volume, warnings } = await buildVolume(
      ctSeries(3, () => ({ PhotometricInterpretation: 'MONOCHROME1' })),
    );
    expect([0, 1, 2].map((k) => volume.voxels[k * 12])).toEqual([0, 1, 2]);
    expect(warnings).toEqual(['PhotometricInterpretation is MONOCHROME1: values are HU all the same']);
  });

  it.each([
    ['unsigned', { PixelRepresentation: 0, BitsStored: 12, HighBit: 11 }, [4095, 4094, 0]],
    ['signed', { PixelRepresentation: 1, BitsStored: 12, HighBit: 11 }, [-1, -2, 0]],
  ])('of MONOCHROME1 are turned round in MR, as they are displayed: %s', async (_, format, expected) => {
    const mr = { SOPClassUID: MR_IMAGE, Modality: 'MR', PhotometricInterpretation: 'MONOCHROME1' };
    const stored = { PixelData: words([0, 1, 4095, ...Array<number>(9).fill(0)]) };
    const { volume, warnings } = await buildVolume(ctSeries(2, () => ({ ...mr, ...format, ...stored })));
    expect([...volume.voxels.subarray(0, 3)]).toEqual(expected);
    expect(warnings).toEqual(['PhotometricInterpretation is MONOCHROME1: values were inverted']);
  });

  it('are free of overlays in the high bits', async () => {
    const overlaid = {
      PixelRepresentation: 0,
      BitsStored: 12,
      HighBit: 11,
      OverlayBitPosition: 12,
      PixelData: words([0x1000, 0xf123, 0x0123, ...Array<number>(9).fill(0)]),
    };
    const { voxels } = (await buildVolume(ctSeries(2, () => overlaid))).volume;
    expect([...voxels.subarray(0, 3)]).toEqual([0, 0x123, 0x123]);
  });

  it('of MR need no rescaling, those of CT do', async () => {
    const none = { RescaleSlope: undefined, RescaleIntercept: undefined };
    const mr = ctSeries(2, () => ({ ...none, SOPClassUID: MR_IMAGE, Modality: 'MR' }));
    expect((await buildVolume(mr)).volume.voxels[12]).toBe(1);
    const { code, message } = await refusal(ctSeries(2, () => none));
    expect(code).toBe('DICOM_ATTRIBUTE');
    expect(message).toBe('slice 0: RescaleSlope is missing, needs a number');
  });
});

describe('buildVolume refuses', () => {
  it('a volume that no scanner makes, before memory is reserved for it', async () => {
    const series = ctSeries(80).map((slice) => ({
      ...slice,
      dataset: { ...slice.dataset, Rows: 4096, Columns: 4096 },
    }));
    expect(await refusal(series)).toMatchObject({
      code: 'DICOM_GEOMETRY',
      message: 'the series is too large: 80 planes of 16777216 pixels are more than 1073741824 voxels',
    });
  });

  it.each(['SOPClassUID', 'SOPInstanceUID', 'StudyInstanceUID', 'SeriesInstanceUID'])(
    'an empty %s',
    async (keyword) => {
      const slice = ctSlice({ SOPInstanceUID: '2.25.101' });
      const series = [...ctSeries(2), { ...slice, dataset: { ...slice.dataset, [keyword]: null } }];
      expect(await refusal(series)).toMatchObject({
        code: 'DICOM_ATTRIBUTE',
        message: `slice 1: missing or empty, but needed for identity: ${keyword}`,
      });
    },
  );

  it.each([
    ['ImagePositionPatient', undefined, 'is missing, needs 3 numbers'],
    ['ImageOrientationPatient', ['1', '0', '0'], 'is "1\\0\\0", needs 6 numbers'],
    [
      'ImageOrientationPatient',
      ['1', '0', '0', '0.1', '1', '0'],
      'is 1\\0\\0\\0.1\\1\\0: not two unit vectors',
    ],
    ['PixelSpacing', ['0', '1'], 'is 0\\1, needs two numbers above zero'],
    ['PhotometricInterpretation', 'RGB', 'is RGB: only grey images are read'],
    ['ModalityLUTSequence', [{ LUTDescriptor: [1, 0, 16] }], 'gives real values by a table'],
    ['SOPClassUID', '1.2.840.10008.5.1.4.1.1.7', '1.2.840.10008.5.1.4.1.1.7 is neither a CT nor an MR image'],
    [
      'SOPClassUID',
      '1.2.840.10008.5.1.4.1.1.4.3',
      '1.2.840.10008.5.1.4.1.1.4.3 is neither a CT nor an MR image',
    ],
  ])('a slice whose %s is %s', async (keyword, value, problem) => {
    const { code, message } = await refusal(ctSeries(3, (k) => (k === 1 ? { [keyword]: value } : {})));
    expect(code).toBe('DICOM_ATTRIBUTE');
    expect(message).toContain(`slice 1: ${keyword} `);
    expect(message).toContain(problem);
  });

  it('an image without pixel data', async () => {
    const series = ctSeries(3, (k) => (k === 1 ? { PixelData: undefined } : {}));
    expect((await refusal(series)).message).toBe('slice 1: there is no PixelData');
  });

  it('a single slice, and none', async () => {
    expect((await refusal(ctSeries(1))).message).toBe('slice 0: a single slice makes no volume');
    expect((await refusal([])).message).toBe('the series has no images');
  });

  it.each(['SeriesInstanceUID', 'StudyInstanceUID', 'FrameOfReferenceUID'])(
    'slices that differ in %s',
    async (keyword) => {
      const { code, message } = await refusal(ctSeries(3, (k) => (k === 2 ? { [keyword]: '2.25.9' } : {})));
      expect(code).toBe('DICOM_GEOMETRY');
      expect(message).toMatch(new RegExp(`${keyword} is 2\\.25\\.\\d in slice 0, 2\\.25\\.9 in slice 2`));
    },
  );

  it.each(['PatientID', 'IssuerOfPatientID', 'PatientBirthDate'])(
    'slices of two patients, whose %s differs, without saying who they are',
    async (keyword) => {
      const value = keyword === 'PatientBirthDate' ? '19700101' : 'somebody else';
      const { code, message } = await refusal(ctSeries(3, (k) => (k === 2 ? { [keyword]: value } : {})));
      expect(code).toBe('DICOM_ATTRIBUTE');
      expect(message).toBe(`slice 0 and slice 2 are not of one patient: ${keyword} differs`);
    },
  );

  it('the same instance twice', async () => {
    const series = ctSeries(3);
    const copy = { ...ctSlice({ SOPInstanceUID: '2.25.101' }), source: 'copy' };
    const { message } = await refusal([...series, copy]);
    expect(message).toBe('slice 1 and copy are the same instance: SOPInstanceUID 2.25.101');
  });

  it.each([
    ['Rows or Columns differ', { Rows: 4, Columns: 3 }],
    ['PixelSpacing differs', { PixelSpacing: ['2', '1.51'] }],
    ['ImageOrientationPatient differs', { ImageOrientationPatient: ['1', '0', '0', '0', '-1', '0'] }],
  ])('slices of several kinds: %s', async (reason, over) => {
    const { code, message } = await refusal(ctSeries(4, (k) => (k === 3 ? over : {})));
    expect(code).toBe('DICOM_GEOMETRY');
    expect(message).toContain(
      `${reason} between 2 kinds of slices, such as slice 0 (3 of 4), slice 3 (1 of 4)`,
    );
  });

  it('a missing slice, naming the gap and the slices around it', async () => {
    const series = ctSeries(6).filter((_, k) => k !== 3);
    const { code, message } = await refusal(series);
    expect(code).toBe('DICOM_GEOMETRY');
    expect(message).toContain(
      'uneven slice distances: 2.50 mm as a rule, but 5.00 mm between slice 2 and slice 4 (as if 1 ' +
        'slice(s) were missing)',
    );
  });

  it('a missing slice next to either end', async () => {
    for (const missing of [1, 4]) {
      const series = ctSeries(6).filter((_, k) => k !== missing);
      expect((await refusal(series)).message).toContain('5.00 mm between');
    }
  });

  it('distances that creep until slices stand elsewhere', async () => {
    const heights = Array.from({ length: 20 }, (_, k) => (k < 10 ? k : 10 + (k - 10) * 1.09));
    const series = ctSeries(20, (k) => ({ ImagePositionPatient: ['0', '0', String(heights[k])] }));
    expect((await refusal(series)).message).toMatch(
      /uneven slice distances: slice \d+ lies 0\.\d\d mm from its place/,
    );
  });

  it('two slices at one place, naming them', async () => {
    const z = [0, 1, 1, 2, 3];
    const series = ctSeries(5, (k) => ({ ImagePositionPatient: ['0', '0', String(z[k])] }));
    const { message } = await refusal(series);
    expect(message).toContain('1 slice(s) lie where another one lies: slice 1 and slice 2');
    expect(message).not.toContain('uneven');
  });

  it('a tilted gantry, with its angle', async () => {
    const slope = Math.tan((10 * Math.PI) / 180);
    const tilted = ctSeries(10, (k) => ({
      ImagePositionPatient: ['0', (k * 3 * slope).toFixed(6), String(k * 3)],
    }));
    expect((await refusal(tilted)).message).toContain('(10.0 degrees: a tilted gantry)');
  });

  it('one slice that is shifted aside', async () => {
    const shifted = ctSeries(10, (k) => ({
      ImagePositionPatient: ['0', k === 4 ? '1' : '0', String(k * 3)],
    }));
    expect((await refusal(shifted)).message).toContain('slice 4 lies 1.00 mm aside of slice 0');
  });

  it('a transfer syntax without a decoder before anything is decoded', async () => {
    const series = ctSeries(3).map((slice, k) =>
      k === 2 ? { ...slice, transferSyntaxUid: '1.2.840.10008.1.2.4.102' } : slice,
    );
    expect(await refusal(series)).toMatchObject({
      code: 'DICOM_TRANSFER_SYNTAX',
      message: 'slice 2: no decoder for MPEG-4 AVC/H.264 High Profile (1.2.840.10008.1.2.4.102)',
    });
  });
});
