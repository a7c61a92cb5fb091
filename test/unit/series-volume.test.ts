import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Instance, readInstance, text } from '../../src/dicom/dataset.ts';
import { DicomError } from '../../src/dicom/errors.ts';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/pixels/transfer-syntaxes.ts';
import { spacingOf } from '../../src/dicom/volume.ts';
import { apply, cross, determinant } from '../support/affine.ts';
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

  it('puts each voxel where its slice says, for every orientation, spacing and order', async () => {
    const component = fc.double({ min: -1, max: 1, noNaN: true });
    const scene = fc
      .record({
        quaternion: fc.tuple(component, component, component, component),
        flips: fc.tuple(fc.boolean(), fc.boolean()),
        spacing: fc.tuple(...[1, 2, 3].map(() => fc.double({ min: 0.3, max: 5, noNaN: true }))),
        origin: fc.tuple(...[1, 2, 3].map(() => fc.double({ min: -300, max: 300, noNaN: true }))),
        order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 }),
      })
      .filter(({ quaternion }) => Math.hypot(...quaternion) > 0.1);
    await fc.assert(
      fc.asyncProperty(scene, async ({ quaternion, flips, spacing, origin, order }) => {
        const [a, b] = rotation(quaternion);
        const row = a.map((value) => (flips[0] ? -value : value));
        const column = b.map((value) => (flips[1] ? -value : value));
        const normal = cross(row, column);
        const at = (x: number, y: number, z: number) =>
          origin.map(
            (value, i) =>
              value +
              x * (row[i] ?? 0) * (spacing[1] ?? 0) +
              y * (column[i] ?? 0) * (spacing[0] ?? 0) +
              z * (normal[i] ?? 0) * (spacing[2] ?? 0),
          );
        const instances = order.map((k) =>
          ctSlice({
            SOPInstanceUID: `2.25.10${k}`,
            ImageOrientationPatient: decimals([...row, ...column]),
            ImagePositionPatient: decimals(at(0, 0, k)),
            PixelSpacing: decimals([spacing[0] ?? 0, spacing[1] ?? 0]),
            PixelData: words(Array.from({ length: 12 }, (_, i) => 100 * k + i)),
          }),
        );
        const { volume } = await buildVolume(instances);
        expect([...volume.voxels]).toEqual(
          Array.from({ length: 48 }, (_, i) => 100 * Math.floor(i / 12) + (i % 12)),
        );
        for (const [x, y, z] of [
          [0, 0, 0],
          [3, 0, 0],
          [0, 2, 0],
          [3, 2, 3],
        ] as const) {
          const found = apply(volume.affine, [x, y, z]);
          expect(Math.hypot(...found.map((value, i) => value - (at(x, y, z)[i] ?? 0)))).toBeLessThan(1e-6);
        }
        expect(determinant(volume.affine)).toBeGreaterThan(0);
      }),
    );
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

  it('flags lossy compression that happened at any time', async () => {
    const once = ctSeries(3, (k) =>
      k === 1 ? { LossyImageCompression: '01' } : { LossyImageCompression: '00' },
    );
    expect((await buildVolume(once)).lossy).toBe(true);
    const never = ctSeries(3, () => ({ LossyImageCompression: '00' }));
    expect((await buildVolume(never)).lossy).toBe(false);
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
  it.each(['SOPClassUID', 'SOPInstanceUID', 'StudyInstanceUID', 'SeriesInstanceUID'])(
    'an empty %s',
    async (keyword) => {
      const slice = ctSlice({ SOPInstanceUID: '2.25.101' });
      const series = [...ctSeries(2), { ...slice, dataset: { ...slice.dataset, [keyword]: null } }];
      expect(await refusal(series)).toMatchObject({
        code: 'DICOM_ATTRIBUTE',
        message: `slice 1: ${keyword} is empty, needs a value`,
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
    ['PhotometricInterpretation', 'MONOCHROME1', 'is MONOCHROME1; only MONOCHROME2 is read'],
    ['SOPClassUID', '1.2.840.10008.5.1.4.1.1.7', '1.2.840.10008.5.1.4.1.1.7 is neither a CT nor an MR image'],
    ['SOPClassUID', '1.2.840.10008.5.1.4.1.1.4.1', 'is an enhanced multi-frame image, which is not read yet'],
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
      'uneven slice distances: 2.50 mm as a rule, but 5.00 mm between slice 2 and slice 4 (as if 1 slice(s) were missing)',
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
      k === 2 ? { ...slice, transferSyntaxUid: '1.2.840.10008.1.2.4.51' } : slice,
    );
    expect(await refusal(series)).toMatchObject({
      code: 'DICOM_TRANSFER_SYNTAX',
      message: 'slice 2: no decoder for JPEG Extended (Process 2 & 4) (1.2.840.10008.1.2.4.51)',
    });
  });
});

/** Row and column direction of a random rotation. */
function rotation(quaternion: readonly number[]): [number[], number[]] {
  const norm = Math.hypot(...quaternion);
  const [w = 1, x = 0, y = 0, z = 0] = quaternion.map((value) => value / norm);
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
    [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
  ];
}

/** Decimal strings of at most 16 characters (PS3.5 6.2). */
function decimals(values: readonly number[]): string[] {
  return values.map((value) => value.toFixed(11).slice(0, 16));
}
